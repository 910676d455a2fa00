use super::*;
use http::HeaderValue;
use rstest::rstest;

fn trust(header: ClientHeader) -> Trust {
    let proxies = ["10.0.0.0/8", "2001:db8:ffff::/48"];
    Trust { proxies: proxies.iter().map(|block| block.parse().unwrap()).collect(), header }
}

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

#[rstest]
#[case::no_header("10.0.0.1", &[], "10.0.0.1")]
#[case::one_hop("10.0.0.1", &["192.0.2.7"], "192.0.2.7")]
#[case::right_most_untrusted("10.0.0.1", &["6.6.6.6, 192.0.2.7, 10.1.1.1"], "192.0.2.7")]
#[case::several_lines("10.0.0.1", &["6.6.6.6", "192.0.2.7", "10.1.1.1"], "192.0.2.7")]
#[case::all_trusted("10.0.0.1", &["10.2.2.2, 10.1.1.1"], "10.2.2.2")]
#[case::stranger_is_not_believed("203.0.113.9", &["192.0.2.7"], "203.0.113.9")]
#[case::nonsense_ends_the_search("10.0.0.1", &["192.0.2.7, unknown, 10.1.1.1"], "10.1.1.1")]
#[case::port("10.0.0.1", &["192.0.2.7:4711"], "192.0.2.7")]
#[case::ipv6_with_port("10.0.0.1", &["[2001:db8::7]:4711"], "2001:db8::7")]
#[case::ipv6_in_brackets("10.0.0.1", &["[2001:db8::7]"], "2001:db8::7")]
#[case::ipv6_proxy("2001:db8:ffff::1", &["2001:db8::7"], "2001:db8::7")]
#[case::mapped_peer("::ffff:10.0.0.1", &["::ffff:192.0.2.7"], "192.0.2.7")]
#[case::not_text("10.0.0.1", &["192.0.2.7, \u{fc}"], "10.0.0.1")]
fn the_client_of_x_forwarded_for(#[case] peer: IpAddr, #[case] lines: &[&str], #[case] client: IpAddr) {
    let lines: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
    assert_eq!(trust(ClientHeader::XForwardedFor).client(peer, &headers(&lines)), client);
}

#[rstest]
#[case::plain("for=192.0.2.7", "192.0.2.7")]
#[case::quoted_ipv6("for=\"[2001:db8::7]:4711\";proto=https", "2001:db8::7")]
#[case::list("for=6.6.6.6, For=192.0.2.7;by=10.0.0.1, for=10.3.3.3", "192.0.2.7")]
#[case::hidden("for=192.0.2.7, for=_hidden", "10.0.0.1")]
#[case::without_for("proto=https", "10.0.0.1")]
fn the_client_of_forwarded(#[case] line: &str, #[case] client: IpAddr) {
    let headers = headers(&[("forwarded", line)]);
    assert_eq!(trust(ClientHeader::Forwarded).client("10.0.0.1".parse().unwrap(), &headers), client);
}

#[rstest]
#[case(ClientHeader::XRealIp, "x-real-ip")]
#[case(ClientHeader::CfConnectingIp, "cf-connecting-ip")]
fn a_single_valued_header_counts_once(#[case] header: ClientHeader, #[case] name: &'static str) {
    let headers = headers(&[(name, "6.6.6.6"), (name, "192.0.2.7")]);
    let peer = "10.0.0.1".parse().unwrap();
    assert_eq!(trust(header).client(peer, &headers), "192.0.2.7".parse::<IpAddr>().unwrap());
}

#[test]
fn only_the_configured_header_is_read() {
    let headers = headers(&[("x-real-ip", "6.6.6.6")]);
    let peer: IpAddr = "10.0.0.1".parse().unwrap();
    assert_eq!(trust(ClientHeader::XForwardedFor).client(peer, &headers), peer);
}

#[rstest]
#[case::direct("203.0.113.9", &[("host", "a.example")], Some("a.example"))]
#[case::stranger("203.0.113.9", &[("host", "a.example"), ("x-forwarded-host", "b.example")], Some("a.example"))]
#[case::proxy("10.0.0.1", &[("host", "a.example"), ("x-forwarded-host", "c.example, b.example")], Some("b.example"))]
#[case::proxy_says_nothing("10.0.0.1", &[("host", "a.example")], Some("a.example"))]
#[case::none("203.0.113.9", &[], None)]
fn the_host(#[case] peer: IpAddr, #[case] lines: &[(&'static str, &str)], #[case] host: Option<&str>) {
    assert_eq!(trust(ClientHeader::XForwardedFor).host(peer, &headers(lines)), host);
}

#[test]
fn the_host_of_forwarded() {
    let headers = headers(&[("host", "a.example"), ("forwarded", "for=192.0.2.7;host=b.example")]);
    assert_eq!(trust(ClientHeader::Forwarded).host("10.0.0.1".parse().unwrap(), &headers), Some("b.example"));
}

#[rstest]
#[case::direct("203.0.113.9", Scheme::Https, &[], Scheme::Https)]
#[case::stranger("203.0.113.9", Scheme::Http, &[("x-forwarded-proto", "https")], Scheme::Http)]
#[case::proxy("10.0.0.1", Scheme::Http, &[("x-forwarded-proto", "HTTPS")], Scheme::Https)]
#[case::nearest_proxy("10.0.0.1", Scheme::Https, &[("x-forwarded-proto", "https, http")], Scheme::Http)]
#[case::proxy_says_nothing("10.0.0.1", Scheme::Https, &[], Scheme::Https)]
#[case::proxy_says_nonsense("10.0.0.1", Scheme::Http, &[("x-forwarded-proto", "gopher")], Scheme::Http)]
fn the_scheme(
    #[case] peer: IpAddr,
    #[case] arrived: Scheme,
    #[case] lines: &[(&'static str, &str)],
    #[case] scheme: Scheme,
) {
    assert_eq!(trust(ClientHeader::XForwardedFor).scheme(peer, arrived, &headers(lines)), scheme);
}

#[test]
fn the_scheme_of_forwarded() {
    let headers = headers(&[("forwarded", "for=192.0.2.7;proto=https")]);
    let trust = trust(ClientHeader::Forwarded);
    assert_eq!(trust.scheme("10.0.0.1".parse().unwrap(), Scheme::Http, &headers), Scheme::Https);
}
