use super::*;
use rstest::rstest;
use std::sync::LazyLock;

static REFERRERS: LazyLock<Referrers> = LazyLock::new(Referrers::new);

fn fact(fields: &[(&str, &str)]) -> Fact {
    let mut fact = Fact { url: Some("https://www.shop.example/p".to_owned()), ..Fact::default() };
    for (name, value) in fields {
        let field = match *name {
            "url" => &mut fact.url,
            "last" => &mut fact.last,
            "source" => &mut fact.source,
            "medium" => &mut fact.medium,
            "campaign" => &mut fact.campaign,
            "aff" => &mut fact.aff,
            "rcode" => &mut fact.rcode,
            "gclid" => &mut fact.gclid,
            "fbclid" => &mut fact.fbclid,
            other => panic!("{other}"),
        };
        *field = Some((*value).to_owned()).filter(|value| !value.is_empty());
    }
    fact
}

#[rstest]
#[case::nothing("", "direct", None, None)]
#[case::search("https://www.google.com/", "search", Some("Google"), None)]
#[case::search_of_a_country(
    "https://www.google.co.uk/search?q=red+shoes&hl=en",
    "search",
    Some("Google"),
    Some("red shoes")
)]
#[case::search_bing("https://www.bing.com/search?q=red%20shoes", "search", Some("Bing"), Some("red shoes"))]
#[case::search_of_a_subdomain(
    "https://de.search.yahoo.com/search?p=schuhe",
    "search",
    Some("Yahoo!"),
    Some("schuhe")
)]
#[case::search_yandex(
    "https://yandex.ru/search/?text=%D0%BE%D0%B1%D1%83%D0%B2%D1%8C",
    "search",
    Some("Yandex"),
    Some("обувь")
)]
#[case::search_duck("https://duckduckgo.com/?q=", "search", Some("DuckDuckGo"), None)]
#[case::search_in_an_app(
    "android-app://com.google.android.googlequicksearchbox/",
    "search",
    Some("Google"),
    None
)]
#[case::a_makers_other_site("https://docs.google.com/document/1", "referral", Some("docs.google.com"), None)]
#[case::social("https://m.facebook.com/", "social", Some("Facebook"), None)]
#[case::social_short("https://t.co/abc", "social", Some("Twitter"), None)]
#[case::ai("https://chatgpt.com/", "ai", Some("ChatGPT"), None)]
#[case::ai_www("https://www.perplexity.ai/search?q=x", "ai", Some("Perplexity"), Some("x"))]
#[case::ai_below_a_path("https://x.com/i/grok?c=1", "ai", Some("Grok"), None)]
#[case::mail("https://mail.google.com/mail/u/0/", "email", Some("Gmail"), None)]
#[case::referral("https://Blog.Other.example/post", "referral", Some("blog.other.example"), None)]
#[case::internal("https://shop.example/", "internal", Some("shop.example"), None)]
#[case::no_link("about:blank", "direct", None, None)]
fn the_previous_page_names_the_channel(
    #[case] last: &str,
    #[case] channel: &str,
    #[case] referrer: Option<&str>,
    #[case] term: Option<&str>,
) {
    let origin = REFERRERS.origin(&fact(&[("last", last)]), None);
    assert_eq!(
        (origin.channel, origin.referrer.as_deref(), origin.search_term.as_deref()),
        (channel, referrer, term)
    );
}

#[rstest]
#[case(&[("gclid", "x"), ("last", "https://www.google.com/")], "paid", Some("Google"))]
#[case(&[("medium", "CPC"), ("source", "google")], "paid", None)]
#[case(&[("medium", "paid_social"), ("last", "https://l.instagram.com/")], "paid", Some("Instagram"))]
#[case(&[("medium", "email"), ("campaign", "spring")], "email", None)]
#[case(&[("source", "Newsletter")], "email", None)]
#[case(&[("source", "chatgpt.com")], "ai", Some("ChatGPT"))]
#[case(&[("source", "Facebook"), ("medium", "post")], "social", Some("Facebook"))]
#[case(&[("source", "google"), ("campaign", "spring")], "campaign", None)]
#[case(&[("source", "google"), ("medium", "organic")], "search", None)]
#[case(&[("medium", "social"), ("campaign", "spring")], "social", None)]
#[case(&[("campaign", "spring"), ("last", "https://www.google.com/")], "campaign", Some("Google"))]
#[case(&[("aff", "partner-7")], "referral", None)]
#[case(&[("rcode", "FRIEND")], "referral", None)]
#[case(&[("fbclid", "x")], "social", None)]
#[case(&[("fbclid", "x"), ("last", "https://www.shop.example/")], "internal", Some("www.shop.example"))]
fn the_pages_own_address_comes_before_the_previous_page(
    #[case] fields: &[(&str, &str)],
    #[case] channel: &str,
    #[case] referrer: Option<&str>,
) {
    let origin = REFERRERS.origin(&fact(fields), None);
    assert_eq!((origin.channel, origin.referrer.as_deref()), (channel, referrer));
}

#[rstest]
#[case::the_page_itself("https://www.shop.example/p", "https://www.shop.example/p", "direct")]
#[case::its_site("https://www.shop.example/p", "https://shop.example/", "direct")]
#[case::another_site("https://www.shop.example/p", "https://www.google.com/", "search")]
#[case::no_page("", "https://news.example/today", "referral")]
fn the_referer_header_counts_where_it_is_not_the_page_itself(
    #[case] url: &str,
    #[case] referer: &str,
    #[case] channel: &str,
) {
    assert_eq!(REFERRERS.origin(&fact(&[("url", url)]), Some(referer)).channel, channel);
}

#[test]
fn the_previous_page_beats_the_referer_header() {
    let fact = fact(&[("last", "https://duckduckgo.com/")]);
    assert_eq!(
        REFERRERS.origin(&fact, Some("https://www.google.com/")).referrer.as_deref(),
        Some("DuckDuckGo")
    );
}
