//! Bytes from anywhere: an error that says why, never a panic, never a reservation of what they claim.

use crate::{
    Agreement, Datum, DeadLetter, Decoder, Encoder, Enriched, Erasure, Event, LedgerCount, LedgerPage,
    Payment, Record, Redirect, Redrive, Topic, Viewed, examples, seen,
};
use proptest::prelude::*;
use rstest::rstest;

/// A decoder that also knows, under id 2, a schema that is not the present one.
fn decoder<R: Record>() -> Decoder<R> {
    let mut decoder = Decoder::new();
    decoder.register(1, R::TOPIC.avsc()).unwrap();
    decoder.register(2, &R::TOPIC.avsc().replacen("\"fields\": [", OLD_FIELD, 1)).unwrap();
    decoder
}

const OLD_FIELD: &str = r#""fields": [{"name": "gone", "type": "int", "default": 0},"#;

/// Whatever decodes is a value: its encoding decodes to the same encoding. Who looks at it where it stands finds as much.
fn decodes_or_says_why<R: Record>(bytes: &[u8]) -> Result<(), TestCaseError> {
    let (encoder, decoder) = (Encoder::<R>::single_object(), decoder::<R>());
    let decoded = decoder.decode(bytes);
    let looked = decoder.datum(bytes).and_then(|datum| seen::<R>(&datum).map(drop));
    prop_assert_eq!(looked.as_ref().err(), decoded.as_ref().err());
    match decoded {
        Ok(record) => {
            let once = encoder.encode(&record);
            let again = Decoder::<R>::new().decode(&once).map(|record| encoder.encode(&record));
            prop_assert_eq!(again, Ok(once));
        }
        Err(malformed) => prop_assert!(!malformed.detail.is_empty()),
    }
    Ok(())
}

fn all_decode_or_say_why(bytes: &[u8]) -> Result<(), TestCaseError> {
    decodes_or_says_why::<Event>(bytes)?;
    decodes_or_says_why::<Enriched>(bytes)?;
    decodes_or_says_why::<Payment>(bytes)?;
    decodes_or_says_why::<Agreement>(bytes)?;
    decodes_or_says_why::<Redirect>(bytes)?;
    decodes_or_says_why::<DeadLetter>(bytes)?;
    decodes_or_says_why::<LedgerPage>(bytes)?;
    decodes_or_says_why::<Erasure>(bytes)?;
    decodes_or_says_why::<Redrive>(bytes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_decode_or_say_why(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        all_decode_or_say_why(&bytes)?;
        for id in [1, 2] {
            all_decode_or_say_why(&[&[0, 0, 0, 0, id], bytes.as_slice()].concat())?;
        }
    }

    #[test]
    fn a_damaged_event_decodes_or_says_why(
        story in 0..examples::of(Topic::Events).len(), place in any::<prop::sample::Index>(),
        byte in any::<u8>(), cut in any::<prop::sample::Index>(), id in 1..=2_u32,
    ) {
        let event = &examples::all::<Event>()[story].1;
        for encoder in [Encoder::single_object(), Encoder::confluent(id)] {
            let mut bytes = encoder.encode(event);
            let place = place.index(bytes.len());
            bytes[place] = byte;
            decodes_or_says_why::<Event>(&bytes)?;
            bytes.truncate(cut.index(bytes.len()));
            decodes_or_says_why::<Event>(&bytes)?;
        }
    }
}

#[test]
fn an_event_cut_anywhere_is_refused() {
    let bytes = Encoder::single_object().encode(&examples::one::<Event>("every_field"));
    let decoder = Decoder::<Event>::new();
    for length in 0..bytes.len() {
        assert!(decoder.decode(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
    }
}

#[test]
fn bytes_behind_an_event_are_refused() {
    let mut bytes = Encoder::single_object().encode(&examples::one::<Event>("minimal"));
    bytes.push(0);
    assert_eq!(Decoder::<Event>::new().decode(&bytes).unwrap_err().detail, "bytes behind the value");
}

#[test]
fn a_claimed_length_of_exabytes_reserves_nothing() {
    let mut claim = Vec::new();
    i64::MAX.write(&mut claim);
    assert!(String::read(&mut claim.as_slice()).is_err());
    assert!(Vec::<String>::read(&mut claim.as_slice()).is_err());
    assert!(Vec::<LedgerCount>::read(&mut claim.as_slice()).is_err());
    let mut block = Vec::new();
    i64::MIN.write(&mut block);
    0_i64.write(&mut block);
    assert!(Vec::<String>::read(&mut block.as_slice()).is_err());
}

#[test]
fn an_array_in_several_blocks_is_read() {
    // Two items, then a block of one item with its size in bytes, then the end.
    let bytes = [4, 2, b'a', 2, b'b', 1, 4, 2, b'c', 0];
    assert_eq!(Vec::<String>::read(&mut bytes.as_slice()).unwrap(), ["a", "b", "c"]);
    let (mut input, behind) = (bytes.as_slice(), &[][..]);
    let seen = Vec::<String>::view(&mut input).unwrap();
    assert_eq!((input, seen.len()), (behind, 3));
    assert_eq!(seen.collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[rstest]
#[case::nothing(b"", "neither Avro")]
#[case::json(b"{\"ename\":\"view\"}", "neither Avro")]
#[case::short_header(b"\xc3\x01\x00", "too early")]
#[case::unknown_fingerprint(b"\xc3\x01\x08\x07\x06\x05\x04\x03\x02\x01", "unknown schema 0102030405060708")]
#[case::unknown_id(b"\x00\x00\x00\x00\x09", "unknown schema id 9")]
fn a_framing_that_is_not_known_is_named(#[case] bytes: &[u8], #[case] detail: &str) {
    let malformed = Decoder::<Event>::new().decode(bytes).unwrap_err();
    assert!(malformed.detail.contains(detail), "{malformed}");
}

#[test]
fn a_wrong_field_is_named() {
    let mut bytes = Encoder::single_object().encode(&examples::one::<Event>("minimal"));
    bytes[11] = b'x'; // in the text of `eid`
    let malformed = Decoder::<Event>::new().decode(&bytes).unwrap_err();
    assert!(malformed.detail.ends_with("eid: text that is no UUID"), "{malformed}");
}
