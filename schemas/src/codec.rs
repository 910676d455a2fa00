//! Values to bytes and back.
//!
//! Two framings, told apart by the first byte: Avro single-object encoding (`c3 01`, fingerprint, datum), and,
//! where a schema registry is configured, Confluent's wire format (`00`, schema id, datum). Both are decoded
//! always. A datum of an older schema is resolved by `apache-avro` onto the present one.

use crate::{
    history,
    record::{Read, Record},
};
use apache_avro::{Schema, from_avro_datum, rabin::Rabin, to_avro_datum, util::max_allocation_bytes};
use std::{borrow::Cow, collections::HashMap, marker::PhantomData};

/// Bytes that are no value of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .detail)]
pub struct Malformed {
    /// What was wrong, in words.
    pub detail: String,
}

impl Malformed {
    pub(crate) fn new(detail: impl Into<String>) -> Self {
        Self { detail: detail.into() }
    }

    pub(crate) fn short() -> Self {
        Self::new("the value ends too early")
    }

    pub(crate) fn within(self, field: &str) -> Self {
        Self::new(format!("{field}: {}", self.detail))
    }
}

/// First two bytes of Avro's single-object encoding.
const SINGLE_OBJECT: [u8; 2] = [0xc3, 0x01];
/// First byte of Confluent's wire format.
const CONFLUENT: u8 = 0;
/// Longest text and longest array that apache-avro may make room for before it has read them: a hostile length
/// must not reserve memory. Its own bound is 512 MiB, and times 56 for an array. No message is longer than this.
const RESOLVED_LENGTH: usize = 8 << 20;

/// Which framing a writer uses, and its bytes before each datum.
#[derive(Debug, Clone)]
pub struct Encoder<R> {
    prefix: Vec<u8>,
    record: PhantomData<fn(&R)>,
}

impl<R: Record> Encoder<R> {
    /// Avro single-object encoding: needs no registry.
    #[must_use]
    pub fn single_object() -> Self {
        let mut prefix = SINGLE_OBJECT.to_vec();
        prefix.extend_from_slice(&fingerprint(&schema_of(R::TOPIC.avsc())));
        Self { prefix, record: PhantomData }
    }

    /// Confluent's wire format with the id that the registry gave to the present schema.
    #[must_use]
    pub fn confluent(schema_id: u32) -> Self {
        let mut prefix = vec![CONFLUENT];
        prefix.extend_from_slice(&schema_id.to_be_bytes());
        Self { prefix, record: PhantomData }
    }

    /// Confluent's wire format where a registry gave an id, else single-object encoding.
    #[must_use]
    pub fn framed(schema_id: Option<u32>) -> Self {
        schema_id.map_or_else(Self::single_object, Self::confluent)
    }

    /// The bytes of a message's value.
    #[must_use]
    pub fn encode(&self, record: &R) -> Vec<u8> {
        let mut out = Vec::with_capacity(1024); // most events have less
        self.encode_into(record, &mut out);
        out
    }

    /// The same, appended to a buffer that the caller reuses.
    pub fn encode_into(&self, record: &R, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.prefix);
        record.write(out);
    }
}

/// Reads what any [`Encoder`] of this or an earlier version wrote.
#[derive(Debug)]
pub struct Decoder<R> {
    present: Schema,
    present_fingerprint: [u8; 8],
    by_fingerprint: HashMap<[u8; 8], Schema>,
    by_id: HashMap<u32, Registered>,
    record: PhantomData<fn() -> R>,
}

#[derive(Debug)]
enum Registered {
    Present,
    Other(Schema),
}

impl<R: Record> Default for Decoder<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: Record> Decoder<R> {
    /// Knows the present schema and every earlier one that `schemas/history` holds.
    #[must_use]
    pub fn new() -> Self {
        let present = schema_of(R::TOPIC.avsc());
        let earlier = history::of(R::TOPIC).iter().map(|text| schema_of(text));
        Self {
            present_fingerprint: fingerprint(&present),
            by_fingerprint: earlier.map(|schema| (fingerprint(&schema), schema)).collect(),
            present,
            by_id: HashMap::new(),
            record: PhantomData,
        }
    }

    /// Adds a schema that a registry knows under `id`. Errors when the text is no Avro schema.
    pub fn register(&mut self, id: u32, avsc: &str) -> Result<(), Malformed> {
        let schema = Schema::parse_str(avsc).map_err(|error| Malformed::new(error.to_string()))?;
        let same = fingerprint(&schema) == self.present_fingerprint;
        self.by_id.insert(id, if same { Registered::Present } else { Registered::Other(schema) });
        Ok(())
    }

    /// The record in a message's value. Errors say which field, or which framing, was wrong.
    pub fn decode(&self, value: &[u8]) -> Read<R> {
        whole(&self.datum(value)?)
    }

    /// The datum in a message's value, of the present schema: as it stands there, where it was written with that. What
    /// it says, [`seen`] tells.
    pub fn datum<'a>(&self, value: &'a [u8]) -> Read<Cow<'a, [u8]>> {
        match value {
            [0xc3, 0x01, rest @ ..] => {
                let (print, datum) = rest.split_first_chunk::<8>().ok_or_else(Malformed::short)?;
                if *print == self.present_fingerprint {
                    return Ok(Cow::Borrowed(datum));
                }
                let hex = u64::from_le_bytes(*print);
                let writer = self.by_fingerprint.get(print);
                self.resolve(
                    writer.ok_or_else(|| Malformed::new(format!("unknown schema {hex:016x}")))?,
                    datum,
                )
            }
            [CONFLUENT, rest @ ..] => {
                let (id, datum) = rest.split_first_chunk::<4>().ok_or_else(Malformed::short)?;
                let id = u32::from_be_bytes(*id);
                match self.by_id.get(&id) {
                    Some(Registered::Present) => Ok(Cow::Borrowed(datum)),
                    Some(Registered::Other(writer)) => self.resolve(writer, datum),
                    None => Err(Malformed::new(format!("unknown schema id {id}"))),
                }
            }
            _ => Err(Malformed::new("neither Avro single-object encoding nor Confluent's wire format")),
        }
    }

    /// Writes an older or newer datum anew by the rules of Avro's schema resolution. Slow, and rare.
    fn resolve<'a>(&self, writer: &Schema, mut datum: &[u8]) -> Read<Cow<'a, [u8]>> {
        max_allocation_bytes(RESOLVED_LENGTH);
        let value = from_avro_datum(writer, &mut datum, Some(&self.present));
        let value = value.map_err(|error| Malformed::new(error.to_string()))?;
        if !datum.is_empty() {
            return Err(Malformed::new("bytes behind the value"));
        }
        let bytes = to_avro_datum(&self.present, value).map_err(|error| Malformed::new(error.to_string()))?;
        Ok(Cow::Owned(bytes))
    }
}

/// The schema that a message's value names, whoever wrote it: the fingerprint in hex, or `id:` and a registry's id.
#[must_use]
pub fn schema_named(value: &[u8]) -> Option<String> {
    match value {
        [0xc3, 0x01, rest @ ..] => {
            rest.first_chunk::<8>().map(|print| format!("{:016x}", u64::from_le_bytes(*print)))
        }
        [CONFLUENT, rest @ ..] => rest.first_chunk::<4>().map(|id| format!("id:{}", u32::from_be_bytes(*id))),
        _ => None,
    }
}

/// A datum with nothing behind it.
fn whole<R: Record>(mut datum: &[u8]) -> Read<R> {
    let record = R::read(&mut datum)?;
    all_of(datum).map(|()| record)
}

/// The record in a datum of the present schema, with its texts where they stand: what [`Decoder::decode`] would copy out.
///
/// # Errors
/// Those of [`Decoder::decode`].
pub fn seen<R: Record>(mut datum: &[u8]) -> Read<R::View<'_>> {
    let record = R::view(&mut datum)?;
    all_of(datum).map(|()| record)
}

fn all_of(rest: &[u8]) -> Read<()> {
    if rest.is_empty() { Ok(()) } else { Err(Malformed::new("bytes behind the value")) }
}

/// The schema that one of the crate's own files holds.
#[expect(clippy::expect_used, reason = "the files are part of the program, and a test parses each of them")]
pub(crate) fn schema_of(avsc: &str) -> Schema {
    Schema::parse_str(avsc).expect("a schema file of this crate is valid Avro")
}

/// CRC-64-AVRO of the canonical form.
fn fingerprint(schema: &Schema) -> [u8; 8] {
    let mut bytes = [0; 8];
    let print = schema.fingerprint::<Rabin>();
    bytes.iter_mut().zip(&print.bytes).for_each(|(to, from)| *to = *from);
    bytes
}
