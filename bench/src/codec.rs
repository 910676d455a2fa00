//! One event to bytes and back: our encoding beside the crate that proves it, and beside JSON.

use crate::{
    bench::Bench,
    cpu,
    latency::us,
    line::{Group, Line, Measured, Share},
    rounds::{BOTH, Side, in_turns},
    sample,
    sheet::Sheet,
};
use apache_avro::{Schema, from_avro_datum, to_avro_datum};
use std::{
    fmt::Display,
    hint::black_box,
    time::{Duration, Instant},
};
use tracker_cli::Failure;
use tracker_schemas::{Decoder, Encoder, Event, Topic};
use tracker_stream::fault::Fault;

const WRITE_AVRO: &str = "encode : apache-avro";
const WRITE_JSON: &str = "encode : serde_json";
const READ_AVRO: &str = "decode : apache-avro";
const READ_JSON: &str = "decode : serde_json";

const LINES: [Line; 4] = [
    Line {
        name: WRITE_AVRO,
        what: "an event to Avro / the same through apache-avro's Value",
        unit: "µs",
        goal: None,
    },
    Line { name: WRITE_JSON, what: "the same / serde_json of the same record", unit: "µs", goal: None },
    Line { name: READ_AVRO, what: "an event from Avro / to apache-avro's Value", unit: "µs", goal: None },
    Line { name: READ_JSON, what: "the same / serde_json into the same record", unit: "µs", goal: None },
];

/// Before each datum: two bytes and a fingerprint.
const PREFIX: usize = 10;
/// Twice the longest turn: nothing has to become warm.
const MOST: Duration = Duration::from_secs(1);

pub fn group() -> Group {
    Group {
        name: "the codec",
        lines: &LINES,
        share: Share { full: 25, quick: 5 },
        measure: |bench, sheet| Box::pin(measure(bench, sheet)),
    }
}

/// One go.
type Work<'a> = &'a mut dyn FnMut() -> Result<(), Failure>;

async fn measure(_: &Bench, sheet: &mut Sheet) -> Result<(), Failure> {
    let event: Event = serde_json::from_value(stamped()).map_err(failed)?;
    let (encoder, decoder) = (Encoder::<Event>::single_object(), Decoder::<Event>::new());
    let bytes = encoder.encode(&event);
    let datum = bytes.get(PREFIX..).unwrap_or_default();
    let schema = Schema::parse_str(Topic::Events.avsc()).map_err(failed)?;
    let value = from_avro_datum(&schema, &mut &*datum, None).map_err(failed)?;
    let json = serde_json::to_vec(&event).map_err(failed)?;
    let mut write = || {
        black_box(encoder.encode(black_box(&event)));
        Ok(())
    };
    let mut read = || decoder.decode(black_box(&bytes)).map(|event| drop(black_box(event))).map_err(failed);
    // The clone stands for the Value that a sender would have to build.
    let mut avro_write =
        || to_avro_datum(&schema, value.clone()).map(|all| drop(black_box(all))).map_err(failed);
    let mut avro_read =
        || from_avro_datum(&schema, &mut &*datum, None).map(|all| drop(black_box(all))).map_err(failed);
    let mut json_write = || serde_json::to_vec(&event).map(|all| drop(black_box(all))).map_err(failed);
    let mut json_read =
        || serde_json::from_slice::<Event>(&json).map(|all| drop(black_box(all))).map_err(failed);
    both(sheet, WRITE_AVRO, (&mut write, &mut avro_write)).await?;
    both(sheet, WRITE_JSON, (&mut write, &mut json_write)).await?;
    both(sheet, READ_AVRO, (&mut read, &mut avro_read)).await?;
    both(sheet, READ_JSON, (&mut read, &mut json_read)).await
}

async fn both(
    sheet: &mut Sheet,
    line: &'static str,
    (ours, other): (Work<'_>, Work<'_>),
) -> Result<(), Failure> {
    let span = sheet.extent.stretch.min(MOST) / 2;
    let turn = async |side| match side {
        Side::Ours => cost(span, ours),
        Side::Reference => cost(span, other),
    };
    let [ours, others] = in_turns(sheet.rounds, BOTH, turn).await?;
    sheet.put(Measured::both(line, ours, others));
    Ok(())
}

/// The sample as the edge stamps it.
fn stamped() -> serde_json::Value {
    let mut event = sample::event(1);
    if let Some(fields) = event.as_object_mut() {
        let given = [
            ("received_at", "2026-11-24T08:00:00.250Z"),
            ("created_at", "2026-11-24T08:00:00.000Z"),
            ("host", "shop.example.com"),
            ("hhash", "18ilvty"),
            ("edge", "edge-1"),
            ("ip", "81.6.1.1"),
            ("user_agent", sample::AGENT),
            ("accept_language", "de-CH,de;q=0.9,en;q=0.8"),
        ];
        fields.extend(given.map(|(key, value)| (key.to_owned(), value.into())));
    }
    event
}

/// CPU time of this process for one go, microseconds.
fn cost(span: Duration, work: Work<'_>) -> Result<f64, Failure> {
    let own = std::process::id();
    let (before, began, mut goes) = (cpu::used(own)?, Instant::now(), 0_u32);
    while began.elapsed() < span {
        for _ in 0..1_000 {
            work()?;
        }
        goes += 1_000;
    }
    Ok(us(cpu::used(own)?.saturating_sub(before)) / f64::from(goes.max(1)))
}

fn failed(error: impl Display) -> Failure {
    Fault::new("codec", error.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_is_the_one_that_is_sent() {
        let event: Event = serde_json::from_value(stamped()).unwrap();
        assert_eq!(event.user_agent.as_deref(), Some(sample::AGENT));
        assert_eq!(event.fact.eid.to_string(), sample::event(1)["eid"].as_str().unwrap());
    }
}
