use super::{told::Told, *};
use crate::clickhouse::schema::FILES;
use rstest::rstest;
use serde::de::DeserializeOwned;
use tracker_schemas::{
    Agreement, DeadLetter, Decimal, Decoder, Encoder, Enriched, LedgerPage, Payment, Record, Redirect,
    Timestamp, examples, seen,
};
use tracker_stream::envelope::Headers;
use uuid::Uuid;

/// The row of a record, as if its message were the first of its topic.
fn row_of<R: Record, T: RowOf<R>>(record: &R) -> Result<T, Refusal> {
    let message = Message {
        topic: R::TOPIC.name().into(),
        partition: 0,
        offset: 0,
        timestamp_ms: 0,
        key: None,
        payload: Encoder::single_object().encode(record),
        headers: Headers::new(),
    };
    let datum = Decoder::<R>::new().datum(&message.payload).unwrap().into_owned();
    T::of(seen::<R>(&datum).unwrap(), &Place::of(&message))
}

/// Every example of a record, as its row.
fn golden<R: Record + DeserializeOwned, T: RowOf<R>>() {
    for (case, record) in examples::all::<R>() {
        let row: T = row_of(&record).unwrap();
        insta::assert_json_snapshot!(format!("{}_{case}", T::TABLE), Told(&row));
    }
}

#[test]
fn every_enriched_example_is_its_row() {
    golden::<Enriched, EventRow>();
}

#[test]
fn every_payment_example_is_its_row() {
    golden::<Payment, PaymentRow>();
}

#[test]
fn every_consent_example_is_its_row() {
    golden::<Agreement, AgreedRow>();
}

#[test]
fn every_dead_letter_example_is_its_row() {
    golden::<DeadLetter, DeadLetterRow>();
}

#[test]
fn every_page_example_is_its_row() {
    golden::<LedgerPage, LedgerRow>();
}

#[test]
fn every_redirect_example_is_its_row() {
    golden::<Redirect, RedirectRow>();
}

#[test]
fn a_link_that_is_removed_is_a_row_that_says_who_removed_it() {
    let headers = Headers::new()
        .with(Redirect::REMOVAL, "019ab4c0-0203-7000-8000-000000000203")
        .with(Redirect::REMOVER, "marketing")
        .with(Redirect::TENANT, "0000000c-0000-4000-8000-000000000003");
    let message = |key: Option<&str>| Message {
        topic: "tracker.redirects".into(),
        partition: 0,
        offset: 7,
        timestamp_ms: 1_700_000_000_000,
        key: key.map(|key| key.as_bytes().to_vec()),
        payload: Vec::new(),
        headers: headers.clone(),
    };
    let removed = RedirectRow::of_tombstone(&message(Some("sho.example/spring"))).unwrap();
    insta::assert_json_snapshot!(Told(&removed));
    assert_eq!(RedirectRow::of_tombstone(&message(None)), None, "nothing says which");
    assert_eq!(EventRow::of_tombstone(&message(Some("x"))), None);
}

/// Name and type of the columns that `schema/<table>.sql` declares, in order.
fn declared(table: &str) -> Vec<(&'static str, &'static str)> {
    let file = FILES.iter().find(|file| file.name == table).unwrap();
    let body = file.text.split_once("\n(\n").unwrap().1.split_once("\n)\n").unwrap().0;
    let columns = body.lines().filter_map(|line| line.trim().split_once(' '));
    let columns = columns.filter(|(name, _)| *name != "INDEX");
    columns.map(|(name, rest)| (name, rest.split_once("COMMENT").unwrap().0.trim())).collect()
}

#[rstest]
#[case::events(EventRow::TABLE, EventRow::COLUMNS)]
#[case::payments(PaymentRow::TABLE, PaymentRow::COLUMNS)]
#[case::agreed(AgreedRow::TABLE, AgreedRow::COLUMNS)]
#[case::dead_letters(DeadLetterRow::TABLE, DeadLetterRow::COLUMNS)]
#[case::redirects(RedirectRow::TABLE, RedirectRow::COLUMNS)]
#[case::ledger(LedgerRow::TABLE, LedgerRow::COLUMNS)]
fn a_row_has_the_columns_of_its_file_in_order_and_of_their_types(
    #[case] table: &str,
    #[case] columns: &[Column],
) {
    let declared = declared(table);
    assert_eq!(columns.len(), declared.len());
    for (column, (name, is)) in columns.iter().zip(declared) {
        let plain = is.replace("LowCardinality(String)", "String");
        assert_eq!((column.name, column.type_of(column.value.type_name())), (name, plain));
    }
}

#[test]
fn a_payment_tells_its_key_and_takes_a_stamp() {
    let payment =
        Payment { id: Uuid::from_u128(1), oid: Some(Uuid::from_u128(2 << 64)), ..Payment::default() };
    let row: PaymentRow = row_of(&payment).unwrap();
    assert_eq!(row.key(), PaymentKey { oid: Uuid::from_u128(2 << 64), id: Uuid::from_u128(1) });
    let token = "tracker.payments:0:1-2@3 ".repeat(9);
    let [before, after] =
        [row.clone(), row.stamped(&token)].map(|row| serde_json::to_value(Told(&row)).unwrap());
    assert_eq!((&before["token"], &after["token"]), (&"".into(), &token.into()));
    assert_eq!((&before["id"], &before["offset"]), (&after["id"], &after["offset"]));
}

#[test]
fn a_time_that_no_column_holds_is_refused_with_its_name() {
    let payment = Payment { paid_at: Some(Timestamp(i64::MAX)), ..Payment::default() };
    let refusal = row_of::<_, PaymentRow>(&payment).unwrap_err();
    assert_eq!(refusal.reason, "out_of_range");
    assert!(refusal.detail.starts_with("paid_at: "), "{refusal}");
}

#[test]
fn the_largest_amounts_fit_and_one_more_does_not() {
    let row = |units| {
        let revenue = Decimal::from_units(units);
        row_of::<_, PaymentRow>(&Payment { revenue, ..Payment::default() })
    };
    let most = 10_i128.pow(22) - 1;
    assert!(row(most).is_ok() && row(-most).is_ok());
    assert!(row(most + 1).is_err() && row(-most - 1).is_err());
}
