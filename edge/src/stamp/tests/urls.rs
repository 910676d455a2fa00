//! The page: its address, cleaned, and what is taken out of it.

use super::*;

#[rstest]
#[case::fragment("https://a.example/p#x?token=1", "https://a.example/p")]
#[case::case_and_escapes_stay("HTTPS://A.Example/%7Ep/?Q=%20a+b", "HTTPS://A.Example/%7Ep/?Q=%20a+b")]
#[case::secrets(
    "https://a.example/?a=1&access_token=x&PASSWORD=x&api-key=x&client_secret=x&PHPSESSID=x&auth=x&code=x&b=2",
    "https://a.example/?a=1&b=2"
)]
#[case::camel_case("/?accessToken=x&sessionId=x", "/")]
#[case::escaped_names("/?%74oken=x&pass%77ord=x", "/")]
#[case::harmless_names(
    "/?author=a&keyword=b&promo_code=c&monkey=d",
    "/?author=a&keyword=b&promo_code=c&monkey=d"
)]
#[case::email("/?email=a%40b.c", "/")]
#[case::user_and_password("https://u:p@a.example:8080/@me?x=1", "https://a.example:8080/@me?x=1")]
#[case::an_at_in_the_path("https://a.example/@me", "https://a.example/@me")]
#[case::clicks_leave("/?gclid=a&x=1&FBCLID=b", "/?x=1")]
#[case::no_url("not a url?a=1&token=2#x", "not a url?a=1")]
#[case::an_empty_query("/p?", "/p")]
fn urls_are_cleaned(#[case] url: &str, #[case] expected: &str) {
    assert_eq!(page::clean(url.to_owned(), |_, _| page::Pair::Stays), expected);
}

#[test]
fn click_ids_and_utm_of_a_url_move_into_their_columns() {
    let event = stamped(
        r#""url":"https://a.example/?utm_source=News+Letter&utm_medium=mail&utm_campaign=c&utm_term=t&utm_content=k&q=1&gclid=g","last":"/x?utm_source=old&fbclid=f&gclid=old&utm_id=7""#,
    );
    let read =
        ["source", "medium", "campaign", "term", "content", "gclid", "fbclid"].map(|key| event[key].clone());
    assert_eq!(read, ["News Letter", "mail", "c", "t", "k", "g", "f"]);
    assert_eq!(event["url"], "https://a.example/?q=1");
    assert_eq!(event["last"], "/x?utm_source=old&utm_id=7", "what `url` beats stays, but for click ids");
    assert_eq!(event["ename"], "view");
}

#[test]
fn a_field_beats_the_url() {
    let event = stamped(r#""source":"field","gclid":"field","url":"/?utm_source=url&gclid=url""#);
    assert_eq!((&event["source"], &event["gclid"]), (&json!("field"), &json!("field")));
    assert_eq!(event["url"], "/?utm_source=url");
}
