//! One event to bytes and back: our encoding beside the crate that proves it, and beside JSON.

use crate::{
    bench::{Bench, Extent},
    cpu,
    latency::us,
    line::{Group, Line, Measured},
    rounds::interleave,
    sample,
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

pub fn group() -> Group {
    Group { name: "the codec", lines: &LINES, measure: |bench| Box::pin(measure(bench)) }
}

async fn measure(bench: &Bench) -> Result<Vec<Measured>, Failure> {
    let rounds = bench.extent.rounds;
    let event: Event = serde_json::from_value(stamped()).map_err(failed)?;
    let (encoder, decoder) = (Encoder::<Event>::single_object(), Decoder::<Event>::new());
    let bytes = encoder.encode(&event);
    let datum = bytes.get(PREFIX..).unwrap_or_default();
    let schema = Schema::parse_str(Topic::Events.avsc()).map_err(failed)?;
    let value = from_avro_datum(&schema, &mut &*datum, None).map_err(failed)?;
    let json = serde_json::to_vec(&event).map_err(failed)?;
    let span = |work: &mut dyn FnMut() -> Result<(), Failure>| cost(&bench.extent, work);
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
    let mut all = Vec::new();
    let writes: [(_, &mut dyn FnMut() -> Result<(), Failure>); 2] =
        [(WRITE_AVRO, &mut avro_write), (WRITE_JSON, &mut json_write)];
    for (line, other) in writes {
        let (ours, others) = interleave(rounds, async || span(&mut write), async || span(other)).await?;
        all.push(Measured::both(line, ours, others));
    }
    let reads: [(_, &mut dyn FnMut() -> Result<(), Failure>); 2] =
        [(READ_AVRO, &mut avro_read), (READ_JSON, &mut json_read)];
    for (line, other) in reads {
        let (ours, others) = interleave(rounds, async || span(&mut read), async || span(other)).await?;
        all.push(Measured::both(line, ours, others));
    }
    Ok(all)
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
fn cost(extent: &Extent, work: &mut dyn FnMut() -> Result<(), Failure>) -> Result<f64, Failure> {
    let (own, span) = (std::process::id(), extent.stretch.min(Duration::from_secs(1)));
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
