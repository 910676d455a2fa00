//! A link's parts, without copying them. It reads what browsers send, and takes anything.

use std::borrow::Cow;

/// The parts of a link that tell where a visitor came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link<'a> {
    /// Lower-cased, without port.
    pub(super) host: Cow<'a, str>,
    /// Without the leading slash.
    pub(super) path: &'a str,
    /// Without the question mark.
    pub(super) query: &'a str,
    /// Whether an app, not a page, is meant: `android-app://com.example/`.
    pub(super) is_app: bool,
}

impl<'a> Link<'a> {
    /// Takes a link apart; what has no host is none.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once("://")?;
        let rest = rest.split('#').next()?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = authority.rsplit('@').next()?;
        let host = match host.strip_prefix('[') {
            Some(literal) => literal.split(']').next()?,
            None => host.split(':').next()?,
        };
        let host = host.trim_end_matches('.');
        let is_app = scheme.ends_with("-app");
        if host.is_empty() { None } else { Some(Self { host: lower(host), path, query, is_app }) }
    }

    /// The first value of a parameter, decoded; none where it is empty.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = url::form_urlencoded::parse(self.query.as_bytes());
        let value = pairs.find(|(known, _)| known == name)?.1;
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        Some(value).filter(|value| !value.is_empty())
    }
}

/// Small letters, copied only where there are capitals.
pub(super) fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|letter| letter.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether two hosts belong to one site: the same registrable domain, by the public suffix list.
pub(super) fn same_site(one: &str, other: &str) -> bool {
    one == other
        || matches!((psl::domain_str(one), psl::domain_str(other)), (Some(one), Some(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("https://www.Example.com/a/b?x=1&q=two+words#top", Some(("www.example.com", "a/b", "x=1&q=two+words")))]
    #[case("http://user:pw@example.com:8080", Some(("example.com", "", "")))]
    #[case("http://[2001:db8::1]:80/x", Some(("2001:db8::1", "x", "")))]
    #[case("android-app://com.google.android.gm/", Some(("com.google.android.gm", "", "")))]
    #[case("/relative", None)]
    #[case("https:///path", None)]
    #[case("", None)]
    fn a_link_is_taken_apart(#[case] text: &str, #[case] parts: Option<(&str, &str, &str)>) {
        let link = Link::parse(text);
        assert_eq!(link.as_ref().map(|link| (&*link.host, link.path, link.query)), parts);
    }

    #[rstest]
    #[case("www.example.co.uk", "shop.example.co.uk", true)]
    #[case("one.co.uk", "two.co.uk", false)]
    #[case("one.github.io", "two.github.io", false)]
    #[case("localhost", "localhost", true)]
    #[case("192.0.2.1", "192.0.2.2", false)]
    fn a_site_is_a_registrable_domain(#[case] one: &str, #[case] other: &str, #[case] same: bool) {
        assert_eq!(same_site(one, other), same);
    }
}
