//! JSON and NDJSON, down to the record.

use super::*;
use crate::{
    decode::{Batch, Format, body},
    payment,
    stamp::{self, Context},
};
use tracker_schemas::{Decoder, Encoder, Event, Kind, Payment, Record, Timestamp};
use uuid::Uuid;

const FORMATS: [Format; 2] = [Format::Json, Format::Ndjson];

/// Decodes, and looks at each draft.
fn decode(bytes: &[u8], format: Format) -> Result<Option<Batch<'_>>, TestCaseError> {
    let batch = body(bytes, format, &LIMITS);
    prop_assert!(all_known(&batch));
    let Ok(batch) = batch else { return Ok(None) };
    prop_assert!(batch.drafts.len() <= LIMITS.events);
    prop_assert!(batch.drafts.iter().all(all_known));
    let held: usize = batch.drafts.iter().flatten().map(|draft| draft.bytes()).sum();
    prop_assert!(held <= 3 * bytes.len(), "{held} bytes of drafts from {}", bytes.len()); // lower-casing may lengthen
    Ok(Some(batch))
}

/// Both formats, and what becomes of each draft as an event.
pub(super) fn ends_well(bytes: &[u8]) -> Result<(), TestCaseError> {
    for format in FORMATS {
        for draft in decode(bytes, format)?.into_iter().flat_map(|batch| batch.drafts).flatten() {
            let event = stamp::event(draft, &context());
            prop_assert!(all_known(&event));
            if let Ok(event) = event {
                is_sound(&event, event.fact.params.as_ref().map(|params| params.0.as_str()), bytes.len())?;
            }
        }
    }
    Ok(())
}

/// As payments.
pub(super) fn payments_end_well(bytes: &[u8]) -> Result<(), TestCaseError> {
    for draft in decode(bytes, Format::Json)?.into_iter().flat_map(|batch| batch.drafts).flatten() {
        let items = payment::payments(draft, Some("k\r\n\0"), &LIMITS, &context());
        prop_assert!(all_known(&items));
        for item in items.into_iter().flatten() {
            prop_assert!(all_known(&item));
            if let Ok(item) = item {
                let encoded = Encoder::<Payment>::single_object().encode(&item);
                prop_assert!(encoded.len() <= 1024 + 7 * bytes.len());
            }
        }
    }
    Ok(())
}

/// What is accepted is read back as it was.
pub(super) fn is_read_back(decoder: &Decoder<Event>, bytes: &[u8]) -> Result<(), TestCaseError> {
    for draft in decode(bytes, Format::Json)?.into_iter().flat_map(|batch| batch.drafts).flatten() {
        let Ok(event) = stamp::event(draft, &context()) else { continue };
        let read = decoder.decode(&Encoder::single_object().encode(&event)).unwrap();
        prop_assert_eq!(read, event);
    }
    Ok(())
}

/// It can be written, has no NUL, is not much longer than what was sent, and its `params` are JSON.
pub(super) fn is_sound<R: Record>(
    record: &R,
    params: Option<&str>,
    sent: usize,
) -> Result<(), TestCaseError> {
    let encoded = Encoder::<R>::single_object().encode(record);
    prop_assert!(encoded.len() <= 1024 + 7 * sent, "{} bytes from {sent}", encoded.len());
    if let Some(params) = params {
        let object: Result<serde::de::IgnoredAny, _> = serde_json::from_str(params);
        prop_assert!(object.is_ok() && params.starts_with('{'), "{params}");
        prop_assert!(!params.contains('\0'));
    }
    Ok(())
}

pub(super) fn context() -> Context<'static> {
    Context {
        received_at: Timestamp(1_700_000_000_000),
        kind: Kind::Client,
        ip: None,
        host: Some("a.example"),
        user_agent: None,
        accept_language: None,
        referer: None,
        opt_out: false,
        node: "edge-1",
        hash_key: &[7; 32],
        anonymize: false,
        tenant: None,
        new_id: &|| Uuid::NAMESPACE_OID,
    }
}

#[test]
fn any_bytes() {
    every(vec(any::<u8>(), 0..600), |bytes| ends_well(&bytes));
}

#[test]
fn words_of_json_in_any_order() {
    every(soup(60), |text| ends_well(text.as_bytes()));
}

#[test]
fn events_with_something_wrong() {
    every(spoilt(right()), |bytes| ends_well(&bytes));
}

#[test]
fn every_column_holds_every_kind_of_value() {
    let columns: Vec<&str> = FIELDS.split_whitespace().collect();
    let value = prop_oneof![
        select(vec![
            "null",
            "true",
            "-1",
            "1e400",
            "1.5",
            "\"\"",
            "\"\\u0000\"",
            "\"NaN\"",
            "[]",
            "{}",
            "[[1]]",
            "\"[1\""
        ])
        .prop_map(str::to_owned),
        select(TOKENS).prop_map(|token| serde_json::to_string(token).unwrap()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| format!("{number:e}")),
    ];
    every(vec((select(columns), value), 0..6), |members| {
        let members: Vec<String> =
            members.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        ends_well(format!("{{\"ename\":\"a\",{}}}", members.join(",")).trim_end_matches(",}").as_bytes())?;
        ends_well(format!("{{{}}}", members.join(",")).as_bytes())
    });
}

#[test]
fn payments_with_something_wrong() {
    every(spoilt(right()), |bytes| payments_end_well(&bytes));
}

#[test]
fn what_is_accepted_is_read_back_as_it_was() {
    let decoder = Decoder::new();
    every(spoilt(right()), |bytes| is_read_back(&decoder, &bytes));
}

const FIELDS: &str = "eid vid sid uid oid tid rid auth_id invoice_id mid org app rel ptyp relation ename etyp url last ref \
    rcode aff source medium campaign term content xid split ver arm_id mcid sink score outcome duration cflags lat lon country \
    region city zip tz device os browser culture w h vp_w vp_h gaid idfa msid fbid email cell uname ehash chash uhash audience \
    audience_tags content_tags tags targets params created_at ip user_agent referer accept_language gclid";
