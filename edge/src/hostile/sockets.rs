//! Frames of a WebSocket, and the blocks in them.

use super::*;
use crate::{
    answer::Denied,
    budget::{Budget, Room, Share},
    config::BodyLimits,
    frame::{Broken, Heard, Kind, Message, Wire, text},
};
use std::time::Duration;

const MOST: usize = 4_000;
const BODY: BodyLimits =
    BodyLimits { single: 1 << 20, batch: 8 << 20, ratio: 200, timeout: Duration::from_secs(10) };

/// What is heard of bytes that come in pieces, in words.
fn heard(bytes: &[u8], piece: usize) -> Result<(Vec<String>, bool), TestCaseError> {
    let budget = Budget::new(Room::undivided(64 << 10));
    let mut wire = Wire::new(MOST, budget.clone());
    let (mut all, mut is_broken) = (Vec::new(), false);
    'all: for mut piece in bytes.chunks(piece.max(1)) {
        loop {
            let words = match wire.hear(&mut piece) {
                Ok(None) => break,
                Ok(Some(Heard::Message(Ok(message)))) => {
                    prop_assert!(message.bytes.len() <= MOST);
                    format!("{:?} {:?}", message.kind, message.bytes)
                }
                Ok(Some(Heard::Message(Err(Denied::Refused(refusal))))) => {
                    prop_assert!(is_known(&refusal));
                    refusal.reason.to_owned()
                }
                Ok(Some(other)) => format!("{other:?}"),
                Err(Broken) => {
                    is_broken = true;
                    break 'all;
                }
            };
            all.push(words);
            prop_assert!(budget.held() <= MOST + 2048, "{}", budget.held());
        }
        prop_assert!(piece.is_empty());
    }
    drop(wire);
    prop_assert_eq!(budget.held(), 0);
    Ok((all, is_broken))
}

pub(super) fn ends_well(bytes: &[u8], piece: usize) -> Result<(), TestCaseError> {
    prop_assert_eq!(heard(bytes, piece)?, heard(bytes, bytes.len())?, "however they come");
    Ok(())
}

/// A binary message with this in it.
pub(super) fn block_ends_well(bytes: &[u8]) -> Result<(), TestCaseError> {
    let budget = Budget::new(Room::undivided(1 << 20));
    let message = Message { kind: Kind::Binary, bytes: bytes.to_vec(), held: budget.hold(Share::Client) };
    match text(message, MOST, &BODY) {
        Ok(body) => prop_assert!(body.bytes().len() <= MOST && budget.held() >= body.bytes().len()),
        Err(Denied::Refused(refusal)) => prop_assert!(is_known(&refusal)),
        Err(other) => prop_assert!(false, "{:?}", other),
    }
    prop_assert_eq!(budget.held(), 0);
    Ok(())
}

/// Conversations as clients have them.
fn conversations() -> Vec<Vec<u8>> {
    let frame = |first: u8, payload: &[u8]| {
        let mut bytes = vec![first];
        match payload.len() {
            short @ ..126 => bytes.push(0x80 | short as u8),
            long => {
                bytes.push(0x80 | 126);
                bytes.extend((long as u16).to_be_bytes());
            }
        }
        bytes.extend([0, 0, 0, 0]);
        bytes.extend(payload);
        bytes
    };
    let text = right().swap_remove(2);
    vec![
        [frame(0x81, &text), frame(0x82, &lz4_flex::compress_prepend_size(&text)), frame(0x88, b"\x03\xe8")]
            .concat(),
        [frame(0x01, b"{\"e"), frame(0x89, b"ping"), frame(0x00, b"name\":"), frame(0x80, b"\"a\"}")]
            .concat(),
        [frame(0x81, &[b'x'; MOST]), frame(0x81, &[b'x'; MOST + 1]), frame(0x8a, b"")].concat(),
    ]
}

#[test]
fn any_bytes_are_frames_or_break() {
    every((vec(any::<u8>(), 0..300), 1..40_usize), |(bytes, piece)| ends_well(&bytes, piece));
}

#[test]
fn conversations_with_something_wrong() {
    every((spoilt(conversations()), 1..400_usize), |(bytes, piece)| ends_well(&bytes, piece));
}

#[test]
fn blocks_with_something_wrong() {
    let plain = [b"{\"ename\":\"a\"}".to_vec(), right().swap_remove(2), vec![b'a'; 100_000], Vec::new()];
    let mut blocks: Vec<Vec<u8>> = plain.iter().map(|plain| lz4_flex::compress_prepend_size(plain)).collect();
    blocks.push(vec![0xff; 64]);
    every(spoilt(blocks), |bytes| block_ends_well(&bytes));
}
