//! From the bytes of a message, and where it stood, to the row of a table. Pure.

use crate::rows::{Place, RowOf};
use std::marker::PhantomData;
use tracker_schemas::{Decoder, Malformed, Record, seen};
use tracker_stream::{
    envelope::{Message, Verdict},
    fault::Refusal,
    lane::Step,
};

/// Decodes a record and makes a row of it. Refuses as `malformed` what is no record, as `out_of_range` what no column holds.
pub struct ToRow<R, T> {
    decoder: Decoder<R>,
    row: PhantomData<fn() -> T>,
}

impl<R: Record, T: RowOf<R>> ToRow<R, T> {
    /// Reads with `decoder`.
    #[must_use]
    pub const fn new(decoder: Decoder<R>) -> Self {
        Self { decoder, row: PhantomData }
    }

    fn row(&self, message: &Message) -> Result<T, Refusal> {
        let malformed = |malformed: Malformed| Refusal::new("malformed", malformed.to_string());
        let datum = self.decoder.datum(&message.payload).map_err(malformed)?;
        T::of(seen::<R>(&datum).map_err(malformed)?, &Place::of(message))
    }
}

impl<R: Record + 'static, T: RowOf<R>> Step for ToRow<R, T> {
    type Out = T;

    fn step(&self, message: &Message) -> Verdict<T> {
        let removed = if message.payload.is_empty() { T::of_tombstone(message) } else { None };
        match removed.map_or_else(|| self.row(message), Ok) {
            Ok(row) => Verdict::Keep(row),
            Err(refusal) => Verdict::Refuse(refusal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{PaymentRow, told::Told};
    use tracker_schemas::{Decimal, Encoder, Payment};
    use tracker_stream::envelope::Headers;

    fn step(payload: Vec<u8>) -> Verdict<PaymentRow> {
        let message = Message {
            topic: "tracker.payments".into(),
            partition: 1,
            offset: 7,
            timestamp_ms: 1_700_000_000_000,
            key: None,
            payload,
            headers: Headers::new(),
        };
        ToRow::<Payment, PaymentRow>::new(Decoder::new()).step(&message)
    }

    #[test]
    fn a_record_becomes_a_row() {
        let payment = Payment { revenue: Decimal::from_units(-5), ..Payment::default() };
        let Verdict::Keep(row) = step(Encoder::single_object().encode(&payment)) else { panic!("refused") };
        let told = serde_json::to_value(Told(&row)).unwrap();
        assert_eq!(
            (&told["revenue"], &told["partition"], &told["offset"]),
            (&"-0.0005".into(), &1.into(), &7.into())
        );
        assert_eq!(told["produced_at"], "2023-11-14T22:13:20.000Z");
    }

    #[test]
    fn bytes_that_are_no_record_are_malformed() {
        for payload in [Vec::new(), b"{}".to_vec(), vec![0xc3, 1, 0]] {
            assert!(matches!(step(payload), Verdict::Refuse(refusal) if refusal.reason == "malformed"));
        }
    }

    #[test]
    fn an_amount_that_no_column_holds_is_out_of_range() {
        let payment = Payment { revenue: Decimal::from_units(10_i128.pow(22)), ..Payment::default() };
        let Verdict::Refuse(refusal) = step(Encoder::single_object().encode(&payment)) else {
            panic!("an amount of 19 digits was kept")
        };
        assert_eq!(refusal.reason, "out_of_range");
        assert!(refusal.detail.starts_with("revenue: "), "{refusal}");
    }
}
