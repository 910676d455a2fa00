use super::*;
use http::HeaderValue;
use proptest::prelude::*;
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
#[case::empty_entry("10.0.0.1", &["192.0.2.7, , 10.1.1.1"], "10.1.1.1")]
#[case::empty_line("10.0.0.1", &["192.0.2.7", ""], "10.0.0.1")]
#[case::only_commas("10.0.0.1", &[",,,,"], "10.0.0.1")]
#[case::number("10.0.0.1", &["3221225991"], "10.0.0.1")]
#[case::octal("10.0.0.1", &["0300.0.2.7"], "10.0.0.1")]
#[case::zone("10.0.0.1", &["fe80::1%eth0"], "10.0.0.1")]
#[case::url("10.0.0.1", &["http://192.0.2.7/"], "10.0.0.1")]
#[case::no_port("10.0.0.1", &["192.0.2.7:"], "10.0.0.1")]
#[case::trusted_by_the_client_alone("10.0.0.1", &["6.6.6.6, 10.9.9.9, 192.0.2.7"], "192.0.2.7")]
#[case::mapped_in_the_list("10.0.0.1", &["6.6.6.6, ::ffff:192.0.2.7, ::ffff:10.1.1.1"], "192.0.2.7")]
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
#[case::spaces("  for = 192.0.2.7 ; by=10.0.0.1", "192.0.2.7")]
#[case::open_quote("for=\"6.6.6.6, for=192.0.2.7", "192.0.2.7")]
#[case::comma_in_quotes("for=\"6.6.6.6, for=192.0.2.8\"", "192.0.2.8")]
#[case::quote_and_more("for=\"10.3.3.3;for=6.6.6.6", "10.3.3.3")]
#[case::obfuscated_port("for=\"192.0.2.7:_x\"", "10.0.0.1")]
#[case::other_name("xfor=6.6.6.6;for=192.0.2.7", "192.0.2.7")]
#[case::x_forwarded_style("192.0.2.7", "10.0.0.1")]
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

#[rstest]
#[case::of_the_nearest_proxy("for=192.0.2.7;host=b.example", Some("b.example"))]
#[case::of_a_proxy_behind_it("for=192.0.2.7;host=b.example, for=10.3.3.3", Some("b.example"))]
#[case::not_of_the_client("for=6.6.6.6;host=evil.example, for=192.0.2.7", Some("a.example"))]
#[case::not_behind_nobody("for=6.6.6.6;host=evil.example, for=unknown", Some("a.example"))]
fn the_host_of_forwarded(#[case] line: &str, #[case] host: Option<&str>) {
    let headers = headers(&[("host", "a.example"), ("forwarded", line)]);
    assert_eq!(trust(ClientHeader::Forwarded).host("10.0.0.1".parse().unwrap(), &headers), host);
}

/// What a client may write to be taken for another: addresses, trusted ones too, and what is none.
fn hostile() -> impl Strategy<Value = String> {
    let entry = prop_oneof![
        any::<[u8; 4]>().prop_map(|bytes| IpAddr::from(bytes).to_string()),
        Just("10.1.2.3".to_owned()),
        Just("for=10.1.2.3".to_owned()),
        Just("for=\"6.6.6.6".to_owned()),
        "[ -~]{0,20}",
    ];
    prop::collection::vec(entry, 0..8).prop_map(|entries| entries.join(","))
}

proptest! {
    #[test]
    fn whatever_a_client_writes_it_is_who_the_first_proxy_saw(
        written in hostile(),
        proxies in prop::collection::vec(any::<[u8; 2]>(), 0..4),
        lines in any::<bool>(),
    ) {
        let client: IpAddr = "198.51.100.7".parse().unwrap();
        let seen = std::iter::once(client).chain(proxies.iter().map(|[a, b]| IpAddr::from([10, 0, *a, *b])));
        for header in [ClientHeader::XForwardedFor, ClientHeader::Forwarded] {
            let form = |address: IpAddr| match header {
                ClientHeader::Forwarded => format!("for={address};proto=https"),
                _ => address.to_string(),
            };
            let by_proxies = seen.clone().map(form).collect::<Vec<_>>().join(", ");
            let name = header.name();
            let mut all = HeaderMap::new();
            let texts = if lines { vec![written.clone(), by_proxies] } else { vec![format!("{written},{by_proxies}")] };
            for text in texts {
                all.append(&name, HeaderValue::from_str(&text).unwrap());
            }
            prop_assert_eq!(trust(header).client("10.0.0.1".parse().unwrap(), &all), client);
            prop_assert_eq!(trust(header).client(client, &all), client, "a stranger is who it is");
        }
    }
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
