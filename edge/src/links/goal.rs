//! Where a visitor may be sent: the guard against open redirects. Pure.
//!
//! A browser reads a URL more kindly than any check: it drops tabs and line feeds, takes `\` for `/`, and a host with `@` in
//! front of it for another host. So what is sent is never what was given: it is parsed as a browser parses, judged by
//! what was understood, and written anew from that. What only kindness makes a URL of is none.

use crate::visit::registrable;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use url::Url;

/// The longest URL that a visitor is sent to, bytes.
pub const LONGEST: usize = 8 << 10;

/// A URL that a visitor can be sent to at all: absolute, http or https, with a host, and nobody's name or password in it.
#[must_use]
pub fn parse(text: &str) -> Option<Url> {
    let is_plain =
        text.len() <= LONGEST && !text.contains(|letter: char| letter.is_control() || letter == '\\');
    let (scheme, rest) = text.split_once("://").filter(|_| is_plain)?;
    let is_web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    // A third slash would be passed over, and the path taken for the host.
    if !is_web || rest.is_empty() || rest.starts_with('/') {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let is_nobodys = url.username().is_empty() && url.password().is_none() && !authority(rest).contains('@');
    let host = url.host_str()?;
    (is_nobodys && !host.is_empty() && !host.ends_with('.')).then_some(url)
}

/// What stands before the path. Userinfo that is empty is userinfo all the same.
fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// A host that redirects may lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    name: String,
    /// All hosts below `name`, and not itself.
    below: bool,
    port: Option<u16>,
}

impl Host {
    /// Reads `example.com`, `example.com:8443`, or `*.example.com`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (below, name) = text.strip_prefix("*.").map_or((false, text), |name| (true, name));
        let url = parse(&format!("https://{name}"))?;
        let is_host = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let is_whole = !name.ends_with('/') && !name.contains('*');
        let name = url.host_str()?.to_owned();
        (is_host && is_whole).then(|| Self { name, below, port: url.port() })
    }

    fn holds(&self, host: &str, port: Option<u16>) -> bool {
        let is_below = || host.strip_suffix(self.name.as_str()).is_some_and(|front| front.ends_with('.'));
        self.port == port && if self.below { is_below() } else { host == self.name }
    }
}

/// Whether a `/rdr` link may lead to `url`. `hosts` are those that the settings name; where they name none, it may lead to
/// the host that was `asked`, and to others of the same registrable domain: a site that is tracked by its own domain.
#[must_use]
pub fn may_lead(url: &Url, hosts: &[Host], asked: Option<&str>) -> bool {
    let Some(host) = url.host_str() else { return false };
    if !hosts.is_empty() {
        return hosts.iter().any(|known| known.holds(host, url.port()));
    }
    let Some(own) = asked.and_then(|asked| parse(&format!("{}://{asked}", url.scheme()))) else {
        return false;
    };
    let Some(name) = own.host_str() else { return false };
    url.port() == own.port() && (host == name || is_same_site(host, name))
}

/// Whether two names belong to the same registrable domain. An address has none.
fn is_same_site(one: &str, other: &str) -> bool {
    registrable(one).is_some_and(|site| registrable(other) == Some(site))
}

/// Signs a URL: the hex of HMAC-SHA-256 with the deployment's key.
#[must_use]
pub fn sign(hash_key: &[u8; 32], url: &str) -> String {
    hex::encode(mac(hash_key, url).finalize().into_bytes())
}

/// Whether `signature` is this URL's, in constant time.
#[must_use]
pub fn is_signed(hash_key: &[u8; 32], url: &str, signature: &str) -> bool {
    hex::decode(signature).is_ok_and(|bytes| mac(hash_key, url).verify_slice(&bytes).is_ok())
}

/// The same key hashes mailboxes: what stands before the URL keeps one from being the other.
fn mac(hash_key: &[u8; 32], url: &str) -> Hmac<Sha256> {
    keyed(hash_key).chain_update(b"tracker redirect\n").chain_update(url)
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn keyed(hash_key: &[u8; 32]) -> Hmac<Sha256> {
    Hmac::new_from_slice(hash_key).expect("a key of 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("https://good.example/a?b=c#d", "https://good.example/a?b=c#d")]
    #[case("HTTPS://GOOD.example", "https://good.example/")]
    #[case("http://good.example:80/", "http://good.example/")]
    #[case("https://good.example/a b", "https://good.example/a%20b")]
    #[case("https://m\u{fc}ller.example/", "https://xn--mller-kva.example/")]
    #[case("https://\u{ff47}ood.example/", "https://good.example/")]
    #[case("https://good.example%2eevil.example/", "https://good.example.evil.example/")]
    #[case("https://good.example/\u{2028}", "https://good.example/%E2%80%A8")]
    fn a_url_is_written_anew(#[case] given: &str, #[case] sent: &str) {
        assert_eq!(parse(given).map(|url| url.to_string()).as_deref(), Some(sent));
    }

    /// What a visitor is sent to becomes a header: none of these may.
    #[rstest]
    #[case::empty("")]
    #[case::relative("/path")]
    #[case::no_scheme("good.example")]
    #[case::no_scheme_two_slashes("//evil.example")]
    #[case::no_slashes("https:evil.example")]
    #[case::one_slash("https:/evil.example")]
    #[case::three_slashes("https:///evil.example")]
    #[case::slash_and_backslashes("https:/\\\\evil.example")]
    #[case::backslashes("https:\\\\evil.example")]
    #[case::backslash_in_host("https://good.example\\@evil.example")]
    #[case::backslash_alone("\\\\evil.example")]
    #[case::userinfo("https://good.example@evil.example")]
    #[case::userinfo_password("https://good.example:443@evil.example")]
    #[case::userinfo_empty("https://@evil.example")]
    #[case::userinfo_escaped("https://good.example%40evil.example")]
    #[case::tab("https://good.example\t.evil.example")]
    #[case::tab_in_scheme("ht\ttps://evil.example")]
    #[case::line_feed("https://good.example/\nSet-Cookie: a=b")]
    #[case::crlf("https://good.example/\r\nLocation: https://evil.example")]
    #[case::nul("https://good.example/\0")]
    #[case::c1("https://good.example/\u{85}")]
    #[case::leading_space(" https://good.example")]
    #[case::script("javascript:alert(1)")]
    #[case::script_with_slashes("javascript://good.example/%0aalert(1)")]
    #[case::data("data:text/html,x")]
    #[case::ftp("ftp://good.example/")]
    #[case::file("file:///etc/passwd")]
    #[case::doubly_encoded("https%3A%2F%2Fevil.example")]
    #[case::trailing_dot("https://good.example./")]
    #[case::nul_in_host("https://good.example%00.evil.example")]
    #[case::port_that_is_none("https://good.example:99999/")]
    #[case::port_of_letters("https://good.example:evil.example/")]
    #[case::host_only_port("https://:443/")]
    #[case::open_bracket("https://[::1/")]
    fn nobody_is_sent_to_what_only_kindness_makes_a_url_of(#[case] given: &str) {
        assert_eq!(parse(given), None);
    }

    #[test]
    fn nobody_is_sent_to_more_than_a_header_holds() {
        assert_eq!(parse(&format!("https://good.example/{}", "a".repeat(LONGEST))), None);
    }

    #[rstest]
    #[case::listed("https://good.example/", true)]
    #[case::capitals("https://GOOD.Example/", true)]
    #[case::wide_letters("https://\u{ff47}ood.example/", true)]
    #[case::own_port("https://good.example:443/", true)]
    #[case::other_port("https://good.example:8443/", false)]
    #[case::port_of_the_other_scheme("http://good.example:443/", false)]
    #[case::listed_port("https://port.example:8443/", true)]
    #[case::without_the_listed_port("https://port.example/", false)]
    #[case::below("https://www.good.example/", false)]
    #[case::listed_below("https://a.b.sites.example/", true)]
    #[case::not_below_itself("https://sites.example/", false)]
    #[case::look_alike_above("https://good.example.evil.com/", false)]
    #[case::look_alike_before("https://evilgood.example/", false)]
    #[case::look_alike_below("https://evilsites.example/", false)]
    #[case::look_alike_in_path("https://evil.com/good.example", false)]
    #[case::look_alike_in_query("https://evil.com/?good.example", false)]
    #[case::look_alike_in_fragment("https://evil.com#good.example", false)]
    #[case::escaped_dot("https://good.example%2eevil.com/", false)]
    #[case::punycode("https://xn--mller-kva.example/", false)]
    fn a_redirect_leads_to_listed_hosts_alone(#[case] given: &str, #[case] may: bool) {
        let hosts =
            ["good.example", "port.example:8443", "*.sites.example"].map(|host| Host::parse(host).unwrap());
        let url = parse(given).unwrap();
        assert_eq!(may_lead(&url, &hosts, Some("evil.com")), may);
    }

    #[rstest]
    #[case::own("https://tr.shop.example/x", "tr.shop.example", true)]
    #[case::same_site("https://www.shop.example/x", "tr.shop.example", true)]
    #[case::parent("https://shop.example/x", "tr.shop.example", true)]
    #[case::with_port("https://www.shop.example:8443/x", "tr.shop.example:8443", true)]
    #[case::other_port("https://www.shop.example:9/x", "tr.shop.example:8443", false)]
    #[case::other_site("https://shop2.example/x", "tr.shop.example", false)]
    #[case::public_suffix("https://evil.co.uk/", "tr.co.uk", false)]
    #[case::private_suffix("https://evil.github.io/", "good.github.io", false)]
    #[case::address("http://127.0.0.1/x", "127.0.0.1", true)]
    #[case::other_address("http://10.0.0.1/x", "127.0.0.1", false)]
    #[case::other_ipv6("http://[::2]/x", "[::1]", false)]
    #[case::no_host_asked("https://shop.example/x", "", false)]
    fn without_a_list_it_leads_within_the_site_that_was_asked(
        #[case] given: &str,
        #[case] asked: &str,
        #[case] may: bool,
    ) {
        assert_eq!(may_lead(&parse(given).unwrap(), &[], Some(asked)), may);
    }

    #[rstest]
    #[case("https://good.example")]
    #[case("good.example/path")]
    #[case("good.*")]
    #[case("*")]
    #[case("user@good.example")]
    #[case("good.example?x")]
    #[case("")]
    fn a_host_is_a_host(#[case] written: &str) {
        assert_eq!(Host::parse(written), None);
    }

    #[test]
    fn a_signature_is_of_one_url_and_one_key() {
        let (key, url) = ([7; 32], "https://anywhere.example/a?b=c");
        let signature = sign(&key, url);
        assert!(is_signed(&key, url, &signature) && is_signed(&key, url, &signature.to_uppercase()));
        assert!(!is_signed(&key, "https://anywhere.example/a?b=d", &signature));
        assert!(!is_signed(&[8; 32], url, &signature));
        for wrong in ["", "00", "no hex", signature.get(..62).unwrap()] {
            assert!(!is_signed(&key, url, wrong), "{wrong}");
        }
    }
}
