//! What the edge is told about short links and redirects.

use crate::links::goal::{self, Host};
use http::HeaderValue;
use serde::Deserialize;
use tracker_stream::config::{Mistake, Mistakes, Settings};

/// What is meant.
#[derive(Debug, Clone)]
pub struct RedirectConfig {
    /// Where `/rdr` links may lead; none: within the site that was asked.
    pub hosts: Vec<Host>,
    /// Where whoever may not be sent there is sent.
    pub otherwise: HeaderValue,
    /// Whether names and passwords may stand in a path.
    pub path_credentials: bool,
}

/// These keys of section `[edge]`.
#[derive(Deserialize)]
struct Edge {
    redirect_hosts: Vec<String>,
    default_redirect: String,
    path_credentials: bool,
}

impl RedirectConfig {
    /// Reads and checks them.
    ///
    /// # Errors
    /// Everything that is wrong, together.
    pub fn read(settings: &Settings) -> Result<Self, Mistakes> {
        let Edge { redirect_hosts, default_redirect, path_credentials } = settings.section("edge")?;
        let mut mistakes = Mistakes::default();
        let mut host = |text: &String| {
            let host = Host::parse(text);
            if host.is_none() {
                let detail = format!("must be hosts such as example.com or *.example.com, not `{text}`");
                mistakes.add(Mistake::new("edge.redirect_hosts", detail));
            }
            host
        };
        let hosts = redirect_hosts.iter().filter_map(&mut host).collect();
        let otherwise = destination(&default_redirect).unwrap_or_else(|| {
            let detail = "must be a URL such as https://example.com/, or a path such as /";
            mistakes.add(Mistake::new("edge.default_redirect", detail));
            HeaderValue::from_static("/")
        });
        mistakes.or(Self { hosts, otherwise, path_credentials })
    }
}

/// A URL, or a path of whatever host was asked. Two slashes would be another host.
fn destination(text: &str) -> Option<HeaderValue> {
    let is_path = text.starts_with('/') && !text.starts_with("//") && !text.contains('\\');
    let url = goal::parse(text).map(|url| url.to_string());
    let text = if is_path { text.to_owned() } else { url? };
    HeaderValue::from_str(&text).ok().filter(|_| text.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn read(text: &str) -> Result<RedirectConfig, Mistakes> {
        RedirectConfig::read(&Settings::merge(&format!("[edge]\n{text}"), "test", std::iter::empty())?)
    }

    #[test]
    fn the_defaults_lead_within_the_site_and_take_old_clients() {
        let config = read("").unwrap();
        assert_eq!((config.hosts.len(), config.otherwise.as_bytes()), (0, b"/".as_slice()));
        assert!(config.path_credentials);
        assert!(!read("path_credentials = false").unwrap().path_credentials);
    }

    #[test]
    fn hosts_that_are_none_and_a_way_to_nowhere_are_mistakes() {
        let wrong =
            "redirect_hosts = [\"a.example\", \"https://b.example\"]\ndefault_redirect = \"//evil.example\"";
        let mistakes = read(wrong).unwrap_err().to_string();
        assert!(
            mistakes.contains("edge.redirect_hosts") && mistakes.contains("`https://b.example`"),
            "{mistakes}"
        );
        assert!(mistakes.contains("edge.default_redirect"), "{mistakes}");
        assert_eq!(read("redirect_hosts = [\"a.example\", \"*.b.example\"]").unwrap().hosts.len(), 2);
    }

    #[rstest]
    #[case("https://example.com", Some("https://example.com/"))]
    #[case("/start?x", Some("/start?x"))]
    #[case("//evil.example", None)]
    #[case("/\\evil.example", None)]
    #[case("javascript:x", None)]
    #[case("/a\nb", None)]
    #[case("", None)]
    fn whoever_goes_nowhere_else_goes_there(#[case] written: &str, #[case] sent: Option<&str>) {
        assert_eq!(destination(written).as_ref().map(|value| value.to_str().unwrap()), sent);
    }
}
