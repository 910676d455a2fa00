use super::*;
use crate::clickhouse::schema::FILES;
use clickhouse::Row;
use rstest::rstest;
use serde::de::DeserializeOwned;
use tracker_schemas::{
    Agreement, DeadLetter, Decimal, Enriched, LedgerPage, Payment, Record, Redirect, Timestamp, examples,
};
use tracker_stream::{envelope::Headers, fault::Refusal};

/// Every example of a record, as its row.
fn golden<R, T>()
where
    R: Record + DeserializeOwned,
    T: TableRow + serde::Serialize + TryFrom<R, Error = Refusal>,
{
    for (case, record) in examples::all::<R>() {
        let row = T::try_from(record).unwrap();
        insta::assert_json_snapshot!(format!("{}_{case}", T::TABLE), row);
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
    insta::assert_json_snapshot!(RedirectRow::of_tombstone(&message(Some("sho.example/spring"))).unwrap());
    assert_eq!(RedirectRow::of_tombstone(&message(None)), None, "nothing says which");
    assert_eq!(EventRow::of_tombstone(&message(Some("x"))), None);
}

/// The columns that `schema/<table>.sql` declares, in order.
fn declared(table: &str) -> Vec<&'static str> {
    let file = FILES.iter().find(|file| file.name == table).unwrap();
    let body = file.text.split_once("\n(\n").unwrap().1.split_once("\n)\n").unwrap().0;
    body.lines().filter_map(|line| line.split_whitespace().next()).filter(|word| *word != "INDEX").collect()
}

#[rstest]
#[case::events(EventRow::TABLE, EventRow::COLUMN_NAMES)]
#[case::payments(PaymentRow::TABLE, PaymentRow::COLUMN_NAMES)]
#[case::agreed(AgreedRow::TABLE, AgreedRow::COLUMN_NAMES)]
#[case::dead_letters(DeadLetterRow::TABLE, DeadLetterRow::COLUMN_NAMES)]
#[case::redirects(RedirectRow::TABLE, RedirectRow::COLUMN_NAMES)]
#[case::ledger(LedgerRow::TABLE, LedgerRow::COLUMN_NAMES)]
fn a_row_has_the_columns_of_its_file_in_order(#[case] table: &str, #[case] columns: &[&str]) {
    assert_eq!(columns, declared(table));
}

#[test]
fn a_time_that_no_column_holds_is_refused_with_its_name() {
    let payment = Payment { paid_at: Some(Timestamp(i64::MAX)), ..Payment::default() };
    let refusal = PaymentRow::try_from(payment).unwrap_err();
    assert_eq!(refusal.reason, "out_of_range");
    assert!(refusal.detail.starts_with("paid_at: "), "{refusal}");
}

#[test]
fn the_largest_amounts_fit_and_one_more_does_not() {
    let row = |units| {
        let revenue = Decimal::from_units(units);
        PaymentRow::try_from(Payment { revenue, ..Payment::default() })
    };
    let most = 10_i128.pow(22) - 1;
    assert!(row(most).is_ok() && row(-most).is_ok());
    assert!(row(most + 1).is_err() && row(-most - 1).is_err());
}
