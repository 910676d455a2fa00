use super::*;
use crate::address::ClientHeader;
use proptest::prelude::*;
use rstest::rstest;

const PATIENCE: Duration = Duration::from_secs(1);

fn trust() -> Trust {
    Trust { proxies: vec!["10.0.0.0/8".parse().unwrap()], header: ClientHeader::XForwardedFor }
}

fn proxy() -> SocketAddr {
    "10.0.0.1:4711".parse().unwrap()
}

/// Version 2: the command and family bytes, and what follows the length.
fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [v2::PROTOCOL_PREFIX, &[command, family], &length, rest].concat()
}

const ADDRESSES: [u8; 12] = [192, 0, 2, 7, 10, 0, 0, 1, 0x12, 0x67, 0, 80];

async fn read_from(peer: SocketAddr, mut bytes: &[u8]) -> (Result<SocketAddr, Wrong>, Vec<u8>) {
    let read = read(&mut bytes, peer, &trust(), PATIENCE).await;
    (read, bytes.to_vec())
}

#[rstest]
#[case::text(b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n".to_vec(), "192.0.2.7:4711")]
#[case::text_ipv6(b"PROXY TCP6 2001:db8::7 ::1 4711 80\r\n".to_vec(), "[2001:db8::7]:4711")]
#[case::text_unknown(b"PROXY UNKNOWN\r\n".to_vec(), "10.0.0.1:4711")]
#[case::text_unknown_with_addresses(b"PROXY UNKNOWN 2001:db8::7 ::1 1 2\r\n".to_vec(), "10.0.0.1:4711")]
#[case::binary(binary(0x21, 0x11, &ADDRESSES), "192.0.2.7:4711")]
#[case::binary_with_notes(binary(0x21, 0x11, &[&ADDRESSES[..], &[0x04, 0, 2, 0, 0]].concat()), "192.0.2.7:4711")]
#[case::a_probe_of_the_proxy(binary(0x20, 0x11, &ADDRESSES), "10.0.0.1:4711")]
#[case::a_probe_without_addresses(binary(0x20, 0x00, &[]), "10.0.0.1:4711")]
#[case::no_ip_at_all(binary(0x21, 0x31, &[7; 216]), "10.0.0.1:4711")]
#[tokio::test]
async fn a_preface_names_the_client_and_takes_nothing_behind_it(
    #[case] preface: Vec<u8>,
    #[case] client: SocketAddr,
) {
    let behind = b"GET / HTTP/1.1\r\n";
    let (read, left) = read_from(proxy(), &[&preface[..], behind].concat()).await;
    assert_eq!((read, left.as_slice()), (Ok(client), behind.as_slice()));
}

#[rstest]
#[case::http(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n".to_vec())]
#[case::tls(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03aaaaaaaaaa".to_vec())]
#[case::no_end(vec![b'a'; 200])]
#[case::text_without_end([b"PROXY TCP4 ".as_slice(), &[b'1'; 200]].concat())]
#[case::text_without_a_port(b"PROXY TCP4 192.0.2.7 10.0.0.1\r\n".to_vec())]
#[case::text_with_a_name(b"PROXY TCP4 a.example 10.0.0.1 1 2\r\n".to_vec())]
#[case::text_with_a_wrong_end(b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\n".to_vec())]
#[case::binary_of_version_3(binary(0x31, 0x11, &ADDRESSES))]
#[case::binary_without_room_for_addresses(binary(0x21, 0x11, &ADDRESSES[..4]))]
#[case::binary_with_64_kib_of_notes(binary(0x21, 0x11, &[0; 65_535]))]
#[case::closed_before_its_end(b"PROXY TCP4 192".to_vec())]
#[tokio::test]
async fn what_is_no_preface_is_malformed(#[case] said: Vec<u8>) {
    assert_eq!(read_from(proxy(), &said).await.0, Err(Wrong::Malformed));
}

#[tokio::test]
async fn a_stranger_is_not_believed() {
    let stranger = "203.0.113.9:1".parse().unwrap();
    let said = b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n";
    assert_eq!(read_from(stranger, said).await.0, Err(Wrong::Untrusted));
}

#[tokio::test(start_paused = true)]
async fn a_preface_that_does_not_come_is_given_up() {
    let (mut near, far) = tokio::io::duplex(64);
    assert_eq!(read(&mut near, proxy(), &trust(), PATIENCE).await, Err(Wrong::Slow));
    drop(far);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_or_read_further(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        start in prop::sample::select(vec![&b""[..], b"PROXY ", b"PROXY TCP4 ", v2::PROTOCOL_PREFIX]),
    ) {
        let said = [start, &bytes].concat();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let (read, left) = runtime.block_on(read_from(proxy(), &said));
        if read.is_ok() {
            prop_assert!(left.len() < said.len());
        }
    }
}
