//! Where a link leads in the end, and what its event says. Pure.
//!
//! A link may lead to a `/tr/v1/rdr/?url=…&…` link, of this deployment or another: then the visitor goes straight to its
//! `url`, and the rest of its query says what the event is.

use super::goal;
use tracker_schemas::Redirect;
use url::{Url, form_urlencoded};

/// The end of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Where the visitor goes.
    pub url: Url,
    /// What the `/rdr` links on the way say of the event, as a query; the outermost first.
    pub fields: String,
}

/// How many `/rdr` links may lead to one another; who is sent to one more is asked to follow it himself.
const DEEPEST: usize = 5;

/// What is not a field of the event: where to go, and who says so.
const OWN: [&str; 2] = ["url", "sig"];

/// The end of a link; `None`: it leads nowhere that a visitor can be sent.
#[must_use]
pub fn of_link(link: &Redirect) -> Option<Target> {
    Some(of_url(goal::parse(&with_search(&link.urlto, link.searchto.as_deref()))?))
}

/// `urlto` with one more query behind its own, and before its fragment.
#[must_use]
pub fn with_search(urlto: &str, searchto: Option<&str>) -> String {
    let Some(search) =
        searchto.map(|search| search.trim_start_matches(['?', '&'])).filter(|search| !search.is_empty())
    else {
        return urlto.to_owned();
    };
    let (front, fragment) = urlto.split_at(urlto.find('#').unwrap_or(urlto.len()));
    let joint = match front.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    format!("{front}{joint}{search}{fragment}")
}

/// The end of a URL.
#[must_use]
pub fn of_url(url: Url) -> Target {
    let mut target = Target { url, fields: String::new() };
    for _ in 0..DEEPEST {
        let Some(next) = nested(&target.url) else { break };
        let query = without(target.url.query().unwrap_or_default(), &OWN);
        if !query.is_empty() {
            target.fields.extend([if target.fields.is_empty() { "" } else { "&" }, &query]);
        }
        target.url = next;
    }
    target
}

/// The `url` of a `/rdr` link.
fn nested(url: &Url) -> Option<Url> {
    let path = url.path().trim_end_matches('/').to_ascii_lowercase();
    if !matches!(path.as_str(), "/tr/v1/rdr" | "/tr/v1/xrdr") {
        return None;
    }
    let (_, inner) =
        form_urlencoded::parse(url.query()?.as_bytes()).find(|(key, _)| key.eq_ignore_ascii_case("url"))?;
    goal::parse(inner.trim())
}

/// A query without these keys.
#[must_use]
pub fn without(query: &str, keys: &[&str]) -> String {
    let is_own = |pair: &&str| {
        let key = pair.split('=').next().unwrap_or_default();
        keys.iter()
            .any(|own| form_urlencoded::parse(key.as_bytes()).any(|(key, _)| key.eq_ignore_ascii_case(own)))
    };
    let left: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !is_own(pair)).collect();
    left.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use tracker_schemas::examples;

    fn end(url: &str) -> (String, String) {
        let Target { url, fields } = of_url(Url::parse(url).unwrap());
        (url.to_string(), fields)
    }

    #[test]
    fn a_link_to_a_redirect_goes_straight_to_its_end_with_what_it_says() {
        let link: Redirect = examples::one("tenant_campaign");
        let Target { url, fields } = of_link(&link).unwrap();
        assert_eq!(url.as_str(), "https://shop.example.com/sale");
        assert_eq!(fields, "utm_source=newsletter&utm_campaign=autumn");
    }

    #[rstest]
    #[case::plain("https://a.example/x?url=b", "https://a.example/x?url=b", "")]
    #[case::nested(
        "https://t.example/tr/v1/rdr/?a=1&url=https%3A%2F%2Fb.example%2F&b=2",
        "https://b.example/",
        "a=1&b=2"
    )]
    #[case::signed("https://t.example/tr/v1/XRDR?sig=00&URL=https://b.example/", "https://b.example/", "")]
    #[case::twice(
        "https://t.example/tr/v1/rdr?a=1&url=https%3A%2F%2Fu.example%2Ftr%2Fv1%2Frdr%3Fb%3D2%26url%3Dhttps%253A%252F%252Fc.example%252F",
        "https://c.example/",
        "a=1&b=2"
    )]
    #[case::nowhere(
        "https://t.example/tr/v1/rdr?url=javascript:x&a=1",
        "https://t.example/tr/v1/rdr?url=javascript:x&a=1",
        ""
    )]
    #[case::no_url("https://t.example/tr/v1/rdr?a=1", "https://t.example/tr/v1/rdr?a=1", "")]
    fn the_end_of_a_url(#[case] url: &str, #[case] goes_to: &str, #[case] fields: &str) {
        assert_eq!(end(url), (goes_to.to_owned(), fields.to_owned()));
    }

    #[test]
    fn links_within_links_end() {
        let deep = (0..50).fold("https://end.example/".to_owned(), |inner, _| {
            let query: String =
                form_urlencoded::Serializer::new(String::new()).append_pair("url", &inner).finish();
            format!("https://t.example/tr/v1/rdr?{query}")
        });
        // Each layer doubles the escapes: so deep a link is too long to be one at all, and nobody unfolds it.
        assert!(end(&deep).0.starts_with("https://t.example/tr/v1/rdr?"));
    }

    #[rstest]
    #[case("https://a.example/", Some("x=1"), "https://a.example/?x=1")]
    #[case("https://a.example/?y=2", Some("?x=1"), "https://a.example/?y=2&x=1")]
    #[case("https://a.example/?", Some("x=1"), "https://a.example/?x=1")]
    #[case("https://a.example/#top", Some("x=1"), "https://a.example/?x=1#top")]
    #[case("https://a.example/", Some(""), "https://a.example/")]
    #[case("https://a.example/", None, "https://a.example/")]
    fn a_query_is_added_before_the_fragment(
        #[case] urlto: &str,
        #[case] search: Option<&str>,
        #[case] whole: &str,
    ) {
        assert_eq!(with_search(urlto, search), whole);
    }
}
