//! A visitor with more events than one partition should bear.

use crate::rig::{Program, Site, run, until};
use std::collections::HashSet;
use tracker_schemas::{Decoder, Enriched, Event, Fact, Timestamp, Topic};
use tracker_stream::envelope::Message;
use uuid::Uuid;

/// Consent to everything: the visitor stays.
const CONSENT: i64 = 5377;
const HOT: usize = 600;
const CALM: usize = 20;

fn event(vid: Uuid) -> (String, Event) {
    let (eid, now) = (Uuid::now_v7(), Timestamp(tracker_stream::clock::now_ms()));
    let ename = Some("hot".to_owned());
    let fact = Fact {
        eid,
        vid: Some(vid),
        cflags: Some(CONSENT),
        ename,
        created_at: now,
        received_at: now,
        ..Fact::default()
    };
    (eid.to_string(), Event { fact, ..Event::default() })
}

#[test]
fn a_hot_visitor_is_spread_over_partitions_and_every_event_is_stored_once() {
    run(async {
        let settings = [("ENRICH__HOT_VISITOR_RATE", "5")]; // hot after some 50 at once
        let site = Site::start_only("hot", &settings, &[Program::Enrich, Program::Load]).await;
        let (hot, calm) = (Uuid::new_v4(), Uuid::new_v4());
        let each = HOT / CALM;
        let events = (0..HOT + CALM).map(|at| event(if at % (each + 1) == each { calm } else { hot }));
        site.produce(events).await;
        until("every event is stored", async || {
            let stored = site.count("SELECT count() AS n FROM events").await;
            (stored as usize >= HOT + CALM).then_some(())
        })
        .await;
        let distinct = site.count("SELECT uniqExact(eid) AS n FROM events").await as usize;
        let stored = site.count("SELECT count() AS n FROM events").await as usize;
        assert_eq!((distinct, stored), (HOT + CALM, HOT + CALM), "before any merge");

        let decoder = Decoder::<Enriched>::new();
        let all = site.messages(Topic::Enriched).await;
        let visitor = |message: &Message| decoder.decode(&message.payload).unwrap().fact.vid;
        let of = |vid| all.iter().filter(move |message| visitor(message) == Some(vid)).collect::<Vec<_>>();
        let partitions = |messages: &[&Message]| {
            messages.iter().map(|message| message.partition).collect::<HashSet<_>>().len()
        };
        let is_hot = |message: &&&Message| message.headers.get("hot").is_some();
        let (of_hot, of_calm) = (of(hot), of(calm));
        assert_eq!((of_hot.len(), of_calm.len()), (HOT, CALM));
        assert_eq!((partitions(&of_hot), partitions(&of_calm)), (3, 1));
        let spread = of_hot.iter().filter(is_hot).count();
        assert!((HOT / 2..HOT).contains(&spread), "{spread}: all but the first ones");
        assert!(!of_calm.iter().any(|message| is_hot(&message)));
        let metrics = site.metrics(Program::Enrich).await;
        assert_eq!(metrics["tracker_enrich_hot_events_total"], spread as f64);
        assert_eq!(metrics["tracker_enrich_hot_visitors_total"], 1.0);
    });
}
