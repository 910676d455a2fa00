//! The address of a short link: lower-cased host and path, without scheme, port, query and the slash at the end. The one
//! form in which links are kept and asked for. Pure.

use percent_encoding::percent_decode_str;
use url::Url;

/// The address that a URL has as a short link.
#[must_use]
pub fn of_url(url: &Url) -> Option<String> {
    Some(join(url.host_str()?, url.path()))
}

/// The address that a request asks for: its `Host`, and its path as it was sent.
#[must_use]
pub fn asked(host: &str, path: &str) -> String {
    join(without_port(host), path)
}

/// The host of a `Host` header, without the port.
#[must_use]
pub fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// A host as addresses have it.
#[must_use]
pub fn host(host: &str) -> String {
    without_port(host.trim()).trim_end_matches('.').to_lowercase()
}

/// What is written in two ways in a URL is one address: `%7E` and `~`, `Ä` and `ä`. A path whose bytes are no text stays
/// encoded.
fn join(name: &str, path: &str) -> String {
    let path = path.trim_end_matches('/');
    let decoded = percent_decode_str(path).decode_utf8();
    let path = decoded.map_or_else(|_| path.to_lowercase(), |text| text.to_lowercase());
    format!("{}{path}", host(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain("https://sho.example/spring", "sho.example", "/spring")]
    #[case::capitals("https://Sho.EXAMPLE/Spring", "SHO.example", "/SPRING")]
    #[case::scheme("http://sho.example/spring", "sho.example", "/spring")]
    #[case::port("https://sho.example:8443/spring", "sho.example:8080", "/spring")]
    #[case::slash("https://sho.example/spring/", "sho.example", "/spring")]
    #[case::query("https://sho.example/spring?a=b#c", "sho.example.", "/spring/")]
    #[case::idn("https://xn--mller-kva.example/x", "xn--mller-kva.example", "/x")]
    #[case::idn_in_letters("https://m\u{fc}ller.example/x", "XN--MLLER-KVA.example", "/x")]
    #[case::letters("https://sho.example/\u{c4}pfel", "sho.example", "/%c3%a4pfel")]
    #[case::escaped("https://sho.example/%7Eme", "sho.example", "/~me")]
    #[case::ipv6("http://[::1]:80/x", "[::1]:8080", "/x")]
    #[case::no_text("https://sho.example/%FF", "sho.example", "/%ff")]
    fn a_link_is_asked_for_by_the_address_that_it_was_made_with(
        #[case] made: &str,
        #[case] host: &str,
        #[case] path: &str,
    ) {
        assert_eq!(of_url(&Url::parse(made).unwrap()).unwrap(), asked(host, path));
    }

    #[test]
    fn other_hosts_and_paths_are_other_addresses() {
        assert_ne!(asked("sho.example", "/a"), asked("sho.example", "/b"));
        assert_ne!(asked("sho.example", "/a"), asked("www.sho.example", "/a"));
    }
}
