use super::*;
use crate::{
    admit::Limited,
    answer::{Denied, Ended, Taken},
    budget::{Budget, Room, Share},
    config::BodyLimits,
    reason,
};
use rstest::rstest;
use std::time::Duration;
use tracker_stream::fault::Fault;
use uuid::Uuid;

const MOST: usize = 1 << 20;
const FIN: u8 = 0x80;
const TEXT: u8 = 1;
const BINARY: u8 = 2;

/// A frame as a client sends it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let mut bytes = vec![first];
    match payload.len() {
        short @ ..126 => bytes.push(0x80 | short as u8),
        middle @ ..65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend((middle as u16).to_be_bytes());
        }
        long => {
            bytes.push(0x80 | 127);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    bytes.extend(mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

fn wire() -> Wire {
    Wire::new(MOST, Budget::new(Room::undivided(64 << 20)))
}

/// What is heard of these bytes, as text.
fn heard(mut bytes: &[u8]) -> Result<Vec<String>, Broken> {
    let (mut wire, mut all) = (wire(), Vec::new());
    while let Some(heard) = wire.hear(&mut bytes)? {
        all.push(shown(heard));
    }
    Ok(all)
}

fn shown(heard: Heard) -> String {
    match heard {
        Heard::Message(Ok(Message { kind, bytes, .. })) => {
            format!("{kind:?} {}", String::from_utf8_lossy(&bytes))
        }
        Heard::Message(Err(denied)) => denied.tag().to_owned(),
        Heard::Ping(payload) => format!("ping {}", String::from_utf8_lossy(&payload)),
        Heard::Pong => "pong".to_owned(),
        Heard::Close(code) => format!("close {code:?}"),
    }
}

#[rstest]
#[case::whole(vec![frame(FIN | TEXT, b"{}")], &["Text {}"])]
#[case::binary(vec![frame(FIN | BINARY, b"x")], &["Binary x"])]
#[case::empty(vec![frame(FIN | TEXT, b"")], &["Text "])]
#[case::in_fragments(vec![frame(TEXT, b"{\"a"), frame(0, b"\":"), frame(FIN, b"1}")], &["Text {\"a\":1}"])]
#[case::with_a_ping_between(
    vec![frame(TEXT, b"{"), frame(FIN | 9, b"there?"), frame(FIN, b"}")],
    &["ping there?", "Text {}"]
)]
#[case::pong(vec![frame(FIN | 10, b"")], &["pong"])]
#[case::close(vec![frame(FIN | 8, &[0x03, 0xe8, b'b'])], &["close Some(1000)"])]
#[case::close_without_a_code(vec![frame(FIN | 8, b"")], &["close None"])]
#[case::close_with_half_a_code(vec![frame(FIN | 8, b"x")], &["close None"])]
fn messages_are_read_however_their_bytes_come(#[case] frames: Vec<Vec<u8>>, #[case] expected: &[&str]) {
    let bytes = frames.concat();
    assert_eq!(heard(&bytes).unwrap(), expected);
    let (mut wire, mut all) = (wire(), Vec::new());
    for byte in &bytes {
        all.extend(wire.hear(&mut [*byte].as_slice()).unwrap().map(shown));
    }
    assert_eq!(all, expected, "byte by byte");
    assert!(!wire.is_amid());
}

#[rstest]
#[case::not_masked(vec![FIN | TEXT, 1, b'x'])]
#[case::compressed(frame(FIN | 0x40 | TEXT, b"x"))]
#[case::an_unknown_kind(frame(FIN | 3, b"x"))]
#[case::an_unknown_control(frame(FIN | 11, b"x"))]
#[case::a_ping_in_fragments(frame(9, b"x"))]
#[case::a_long_ping(frame(FIN | 9, &[b'x'; 126]))]
#[case::goes_on_from_nothing(frame(FIN, b"x"))]
#[case::begins_within_another([frame(TEXT, b"x"), frame(FIN | TEXT, b"y")].concat())]
fn what_is_no_frame_of_a_client_breaks(#[case] bytes: Vec<u8>) {
    assert_eq!(heard(&bytes), Err(Broken));
}

#[test]
fn a_message_over_the_limit_is_passed_over_and_the_next_one_is_read() {
    let long = vec![b'x'; MOST + 1];
    let bytes = [frame(FIN | TEXT, &long), frame(FIN | TEXT, b"{}")].concat();
    assert_eq!(heard(&bytes).unwrap(), ["body_too_large", "Text {}"]);
    let half = vec![b'x'; MOST / 2 + 1];
    let fragments = [frame(TEXT, &half), frame(0, &half), frame(FIN, b""), frame(FIN | TEXT, b"{}")].concat();
    assert_eq!(heard(&fragments).unwrap(), ["body_too_large", "Text {}"]);
}

#[test]
fn a_length_that_is_only_announced_takes_no_memory() {
    let budget = Budget::new(Room::undivided(64 << 20));
    let mut wire = Wire::new(MOST, budget.clone());
    let mut header: &[u8] = &[FIN | TEXT, 0x80 | 127, 0, 0, 0, 0, 0, 0x0f, 0xff, 0xff, 1, 2, 3, 4];
    assert!(wire.hear(&mut header).unwrap().is_none());
    assert_eq!(budget.held(), 0);
    assert!(wire.hear(&mut [0; 2048].as_slice()).unwrap().is_none());
    assert_eq!(budget.held(), 2048);
    drop(wire);
    assert_eq!(budget.held(), 0);
}

#[test]
fn without_memory_a_message_is_passed_over_and_its_share_given_back() {
    let budget = Budget::new(Room::undivided(4096));
    let mut wire = Wire::new(MOST, budget.clone());
    let bytes = [frame(FIN | TEXT, &[b'x'; 8192]), frame(FIN | TEXT, b"{}")].concat();
    let mut said = Vec::new();
    for mut piece in bytes.chunks(1000) {
        while let Some(heard) = wire.hear(&mut piece).unwrap() {
            said.push(shown(heard));
        }
    }
    assert_eq!(said, ["inflight_full", "Text {}"]);
    assert_eq!(budget.held(), 0);
}

#[test]
fn nothing_is_left_of_a_long_message_that_was_given_away() {
    let budget = Budget::new(Room::undivided(64 << 20));
    let mut wire = Wire::new(MOST, budget.clone());
    let mut bytes = &*frame(FIN | BINARY, &vec![b'x'; MOST]);
    let heard = wire.hear(&mut bytes).unwrap();
    assert!(matches!(&heard, Some(Heard::Message(Ok(message))) if message.bytes.len() == MOST));
    drop(heard);
    assert_eq!(budget.held(), 0);
    assert_eq!(wire.head.capacity() + wire.control.capacity(), 0);
    assert!(!wire.is_amid());
}

const LIMITS: BodyLimits =
    BodyLimits { single: 1 << 20, batch: 8 << 20, ratio: 200, timeout: Duration::from_secs(10) };

fn inflated(block: Vec<u8>) -> Result<Vec<u8>, &'static str> {
    let held = Budget::new(Room::undivided(64 << 20)).hold(Share::Client);
    let message = Message { kind: Kind::Binary, bytes: block, held };
    text(message, MOST, &LIMITS).map(|body| body.bytes().to_vec()).map_err(|denied| denied.tag())
}

#[test]
fn a_block_behind_its_length_is_inflated() {
    let plain = br#"{"ename":"a","params":{"b":[1,2,3]}}"#;
    assert_eq!(inflated(lz4_flex::compress_prepend_size(plain)).unwrap(), plain);
}

/// The predecessor made a buffer of the length that four bytes asked for.
#[rstest]
#[case::two_gigabytes(0x7fff_ffff_u32, "body_too_large")]
#[case::all_there_is(u32::MAX, "body_too_large")]
#[case::one_too_many(MOST as u32 + 1, "body_too_large")]
#[case::more_than_so_few_bytes_can_be(MOST as u32, "inflates_too_far")]
#[case::more_than_there_is(1000, "broken_encoding")]
fn a_header_that_asks_for_2_gb_is_refused_before_a_byte_is_allocated(
    #[case] length: u32,
    #[case] expected: &str,
) {
    let block = lz4_flex::block::compress(b"{}");
    assert_eq!(inflated([&length.to_le_bytes()[..], &block].concat()).unwrap_err(), expected);
}

#[rstest]
#[case::nothing(b"")]
#[case::half_a_length(b"\x01\x00")]
#[case::no_block(b"\x05\x00\x00\x00")]
#[case::a_frame_of_the_other_format(b"\x04\x22\x4d\x18\x60\x40\x82")]
fn what_is_no_block_is_refused(#[case] bytes: &[u8]) {
    let reason = inflated(bytes.to_vec()).unwrap_err();
    assert!(["broken_encoding", "body_too_large"].contains(&reason), "{reason}");
}

#[test]
fn more_than_a_block_says_is_refused() {
    let mut block = lz4_flex::compress_prepend_size(b"{\"ename\":\"a\"}");
    block[0] -= 1;
    assert_eq!(inflated(block).unwrap_err(), "broken_encoding");
}

fn kept() -> Ended {
    Ended::Kept(Uuid::nil())
}

fn refused(reason: reason::Reason) -> Ended {
    Ended::Refused(reason.refuse("mend it"))
}

fn away() -> Ended {
    Ended::Unkept(Fault::new("unacknowledged", "the broker is away"))
}

fn one(fate: Ended) -> Result<Taken, Denied> {
    Ok(Taken { fates: vec![fate], single: true })
}

fn several(fates: Vec<Ended>) -> Result<Taken, Denied> {
    Ok(Taken { fates, single: false })
}

fn limited() -> Result<Taken, Denied> {
    Err(Denied::Limited(Limited { wait: Duration::from_millis(1500) }))
}

#[rstest]
#[case::kept(one(kept()), r#"{"ack":1}"#)]
#[case::all_kept(several(vec![kept(), kept()]), r#"{"ack":1}"#)]
#[case::some_kept(
    several(vec![kept(), refused(reason::MISSING_NAME), away()]),
    r#"{"ack":1,"rejected":[{"index":1,"reason":"missing_name","detail":"mend it"},{"index":2,"reason":"unacknowledged","detail":"it could not be made safe; send it again, under the same id","retry":true}]}"#
)]
#[case::refused(
    one(refused(reason::MISSING_NAME)),
    r#"{"error":"missing_name","detail":"mend it","frame":1}"#
)]
#[case::unkept(
    several(vec![away()]),
    r#"{"error":"unacknowledged","detail":"it could not be made safe; send it again, under the same id","frame":1}"#
)]
#[case::limited(
    limited(),
    r#"{"error":"rate_limited","detail":"wait as many seconds as retry_after says","frame":1,"retry_after":2}"#
)]
fn who_has_asked_is_told_of_each_message(#[case] taken: Result<Taken, Denied>, #[case] expected: &str) {
    let next = Conduct::new(Answers::Each, 10).after(taken);
    assert_eq!(next, Next { line: Some(expected.to_owned()), close: None });
}

#[rstest]
#[case::kept(one(kept()), None)]
#[case::refused(one(refused(reason::MISSING_NAME)), None)]
#[case::some_unkept(several(vec![kept(), away()]), Some((1013, "unacknowledged")))]
#[case::limited(limited(), Some((1013, "rate_limited")))]
fn who_has_not_asked_learns_only_that_something_is_to_be_sent_again(
    #[case] taken: Result<Taken, Denied>,
    #[case] expected: Option<(u16, &'static str)>,
) {
    let next = Conduct::new(Answers::None, 10).after(taken);
    assert_eq!(next.line, None);
    assert_eq!(next.close.map(|closing| (closing.code, closing.reason)), expected);
}

#[rstest]
#[case::told(Answers::Each)]
#[case::silent(Answers::None)]
fn a_client_is_closed_after_so_many_bad_messages_and_not_for_one(#[case] answers: Answers) {
    let mut conduct = Conduct::new(answers, 2);
    let bad = || Err(Denied::Refused(reason::BROKEN_ENCODING.refuse("")));
    assert_eq!(conduct.after(bad()).close, None);
    assert_eq!(conduct.after(one(kept())).close, None);
    assert_eq!(conduct.after(one(refused(reason::MALFORMED))).close, None);
    assert_eq!(conduct.after(one(refused(reason::INVALID_UUID))).close, None, "it was readable");
    assert_eq!(conduct.after(bad()).close, Some(Closing::BAD));
}

#[test]
fn the_numbers_of_answers_are_those_of_messages() {
    let mut conduct = Conduct::new(Answers::Each, 10);
    let lines = [one(kept()), one(refused(reason::MALFORMED)), one(kept())];
    let lines: Vec<String> = lines.into_iter().filter_map(|taken| conduct.after(taken).line).collect();
    assert_eq!(
        lines,
        [r#"{"ack":1}"#, r#"{"error":"malformed","detail":"mend it","frame":2}"#, r#"{"ack":3}"#]
    );
}
