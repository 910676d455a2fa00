use super::*;
use rstest::rstest;

#[rstest]
#[case("a.example", Some("a.example"))]
#[case("a.example:8080", Some("a.example"))]
#[case("[2001:db8::7]:80", Some("[2001:db8::7]"))]
#[case("", None)]
#[case("me@a.example", None)]
#[case("a.example/x", None)]
#[case("a example", None)]
fn the_name_of_a_host(#[case] host: &str, #[case] expected: Option<&str>) {
    assert_eq!(name(host).as_deref(), expected);
}

#[test]
fn the_port_is_named_where_it_is_not_the_standard_one() {
    assert_eq!(location("a.example", 443, "/x?y=z").unwrap(), "https://a.example/x?y=z");
    assert_eq!(
        location("a.example", 8443, "//evil.example").unwrap(),
        "https://a.example:8443//evil.example"
    );
}
