//! Enrichment carries each event on once: whoever dies, stands still, comes back or takes over, and however often the same
//! event is sent.

use crate::rig::{DEADLINE, Program, Site, post, run, until};
use serde_json::json;
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tracker_schemas::{Decoder, Encoder, Enriched, Event, Fact, LedgerPage, Timestamp, Topic};
use tracker_stack::leash;
use tracker_stream::{
    config::Size,
    envelope::{Headers, Message, ORIGIN, REDRIVE},
    kafka::{Admin, Outgoing, Producer, ProducerOptions},
    telemetry::Health,
};
use uuid::Uuid;

/// What a process leaves open is taken back after this, where nobody takes it back before.
const TRANSACTION: (&str, &str) = ("ENRICH__TRANSACTION_TIMEOUT", "5s");

/// How long one wave of sending takes, and how many events it has.
const WAVE: (Duration, usize) = (Duration::from_millis(20), 50);

/// Topics, tables, and the programs that are named.
async fn site(name: &'static str, programs: &[Program]) -> Site {
    Site::start_only(name, &[TRANSACTION], programs).await
}

fn event(eid: Uuid, tid: Option<Uuid>) -> Event {
    let now = Timestamp(tracker_stream::clock::now_ms());
    let ename = Some("once".to_owned());
    let fact = Fact { eid, tid, ename, created_at: now, received_at: now, ..Fact::default() };
    Event { fact, ..Event::default() }
}

/// Puts events on the raw topic, as an edge does.
struct Sender {
    producer: Producer,
    topic: Arc<str>,
}

impl Sender {
    fn of(site: &Site) -> Self {
        let options = ProducerOptions {
            name: "test",
            linger: Duration::from_millis(5),
            timeout: Duration::from_secs(30),
            buffer: Size(32 << 20),
        };
        let (kafka, health) = (site.kafka(), Health::default());
        let topic = kafka.topic(Topic::Events.name());
        Self { producer: Producer::start(&kafka, &options, &health).expect("a producer"), topic }
    }

    async fn send(&self, events: impl IntoIterator<Item = Event>, headers: &Headers) {
        let encoder = Encoder::single_object();
        let outgoing = |event: Event| Outgoing {
            topic: Arc::clone(&self.topic),
            key: event.fact.eid.to_string().into_bytes(),
            payload: encoder.encode(&event),
            headers: headers.clone(),
            timestamp_ms: event.fact.received_at.0,
        };
        for verdict in self.producer.send(events.into_iter().map(outgoing).collect()).await {
            verdict.expect("the broker takes it");
        }
    }
}

/// Events sent in waves, each with some that were sent before, until it is told to stop.
struct Load {
    sent: Arc<Mutex<Vec<Uuid>>>,
    stop: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl Load {
    fn start(site: &Site) -> Self {
        let (sent, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (sender, ids, told) = (Sender::of(site), Arc::clone(&sent), Arc::clone(&stop));
        let task = tokio::spawn(async move {
            let mut waves = tokio::time::interval(WAVE.0);
            while !told.load(Ordering::Relaxed) {
                waves.tick().await;
                let new: Vec<Uuid> = (0..WAVE.1).map(|_| Uuid::new_v4()).collect();
                let old: Vec<Uuid> = ids.lock().unwrap().iter().rev().step_by(97).take(3).copied().collect();
                sender.send(new.iter().chain(&old).map(|eid| event(*eid, None)), &Headers::new()).await;
                ids.lock().unwrap().extend(new);
            }
        });
        Self { sent, stop, task }
    }

    fn count(&self) -> usize {
        self.sent.lock().unwrap().len()
    }

    async fn more(&self, events: usize) {
        let wanted = self.count() + events;
        until("more events are sent", async || (self.count() >= wanted).then_some(())).await;
    }

    /// The distinct ids that were sent.
    fn ids(&self) -> HashSet<Uuid> {
        self.sent.lock().unwrap().iter().copied().collect()
    }

    async fn end(mut self) -> HashSet<Uuid> {
        self.stop.store(true, Ordering::Relaxed);
        (&mut self.task).await.unwrap();
        self.ids()
    }
}

/// One more enrichment beside those of the site.
struct Another<'a> {
    site: &'a Site,
    process: leash::Leashed,
    address: String,
}

impl<'a> Another<'a> {
    fn start(site: &'a Site) -> Self {
        let (process, address) = site.another(Program::Enrich, &[]);
        Self { site, process, address }
    }

    /// How many events it has carried on since its start.
    async fn delivered(&self) -> u64 {
        let metrics = self.site.metrics_at(&self.address).await.unwrap_or_default();
        metrics.get(&settled("delivered", "")).map_or(0, |count| *count as u64)
    }

    async fn delivers(&self, more: u64) {
        let wanted = self.delivered().await + more;
        until("it carries events on", async || (self.delivered().await >= wanted).then_some(())).await;
    }
}

fn settled(fate: &str, reason: &str) -> String {
    format!("tracker_lane_settled_total{{lane=\"enrich\",fate=\"{fate}\",reason=\"{reason}\"}}")
}

impl Site {
    async fn settled(&self, fate: &str, reason: &str) -> u64 {
        self.metrics(Program::Enrich).await.get(&settled(fate, reason)).map_or(0, |count| *count as u64)
    }

    /// Waits until everything on the raw topic has its fate.
    async fn all_enriched(&self) {
        let kafka = self.kafka();
        let (admin, topic) = (Admin::connect(&kafka).unwrap(), kafka.topic(Topic::Events.name()));
        let group = kafka.group("enrich");
        until("all of the raw topic is committed", async || {
            let ends: HashMap<i32, i64> =
                admin.ends(&topic).await.ok()?.into_iter().map(|(number, _, high)| (number, high)).collect();
            let committed = admin.committed(&group, &topic).await.ok()?;
            let done = |(number, next): &(i32, Option<i64>)| next.unwrap_or(0) == ends[number];
            committed.iter().all(done).then_some(())
        })
        .await;
    }

    /// The ids on a topic, as often as they are there.
    async fn ids_on(&self, topic: Topic) -> Vec<Uuid> {
        ids_of(&self.messages(topic).await)
    }

    /// What was sent is on `enriched`, each once, and says where it came from: no two from one place. So say the pages.
    async fn carried_once(&self, sent: &HashSet<Uuid>) {
        self.all_enriched().await;
        let enriched = self.messages(Topic::Enriched).await;
        let ids = ids_of(&enriched);
        assert_eq!(ids.iter().copied().collect::<HashSet<_>>(), *sent, "nothing is lost");
        assert_eq!(ids.len(), sent.len(), "nothing is there twice");
        let origins: HashSet<_> =
            enriched.iter().map(|message| message.headers.get(ORIGIN).unwrap().to_vec()).collect();
        assert_eq!(origins.len(), sent.len());
        self.pages_close(enriched.len()).await;
    }

    /// The pages of enrichment account for every message of the raw topic, once, and for those on `enriched`.
    async fn pages_close(&self, enriched: usize) {
        let decoder = Decoder::<LedgerPage>::new();
        let pages: Vec<LedgerPage> = self
            .messages(Topic::Ledger)
            .await
            .iter()
            .map(|message| decoder.decode(&message.payload).unwrap())
            .filter(|page| page.process == "enrich")
            .collect();
        let counted: i64 = pages.iter().flat_map(|page| &page.counts).map(|count| count.count).sum();
        let raw = self.messages(Topic::Events).await.len();
        assert_eq!(counted, i64::try_from(raw).unwrap());
        let delivered = pages.iter().flat_map(|page| &page.counts).filter(|count| count.fate == "delivered");
        assert_eq!(delivered.map(|count| count.count).sum::<i64>(), i64::try_from(enriched).unwrap());
    }
}

fn ids_of(enriched: &[Message]) -> Vec<Uuid> {
    let decoder = Decoder::<Enriched>::new();
    enriched.iter().map(|message| decoder.decode(&message.payload).unwrap().fact.eid).collect()
}

#[test]
fn an_event_that_is_sent_again_is_one_row_one_message_and_counted_as_duplicate() {
    run(async {
        let mut site = site("repeats", &[Program::Edge, Program::Enrich, Program::Load]).await;
        let (eid, tid) = (Uuid::now_v7(), Uuid::new_v4());
        let body = json!({ "eid": eid, "tid": tid, "ename": "again" }).to_string();
        let duplicates = async |site: &Site, wanted: u64| {
            until("the repeats are dropped", async || {
                (site.settled("dropped", "duplicate").await == wanted).then_some(())
            })
            .await;
        };
        for _ in 0..3 {
            assert_eq!(
                post(site.request(reqwest::Method::POST, "/tr/v1/tr/").body(body.clone())).await.status,
                200
            );
        }
        duplicates(&site, 2).await;
        // One that was killed knows what came before it, also by a repeat that was sent while it was away.
        site.kill(Program::Enrich);
        assert_eq!(site.post("/tr/v1/tr/", body.clone()).await.status, 200);
        site.launch(Program::Enrich);
        site.ready(Program::Enrich).await;
        duplicates(&site, 1).await;
        assert_eq!(site.post("/tr/v1/tr/", body.clone()).await.status, 200);
        duplicates(&site, 2).await;

        site.event(&eid.to_string()).await;
        assert_eq!(site.count("SELECT count() AS n FROM events").await, 1, "before any merge");
        assert_eq!(site.ids_on(Topic::Enriched).await, [eid]);
        let [message] = &site.messages(Topic::Messages).await[..] else { panic!("one message") };
        assert_eq!(message.key.as_deref(), Some(tid.to_string().as_bytes()));
        site.pages_close(1).await;
    });
}

#[test]
fn an_event_from_the_dead_letters_passes_once_for_each_letter() {
    run(async {
        let site = site("redriven", &[Program::Enrich]).await;
        let (sender, eid) = (Sender::of(&site), Uuid::now_v7());
        for letter in [None, Some("a"), Some("a"), None, Some("b")] {
            let headers = letter.iter().fold(Headers::new(), |all, id| all.with(REDRIVE, *id));
            sender.send([event(eid, None)], &headers).await;
        }
        site.all_enriched().await;
        assert_eq!(site.ids_on(Topic::Enriched).await, [eid; 3]);
    });
}

#[test]
fn enrich_is_killed_five_times_under_load_and_every_event_is_there_once() {
    run(async {
        let mut site = site("killed_often", &[Program::Enrich, Program::Load]).await;
        let load = Load::start(&site);
        for _ in 0..5 {
            let seen = site.settled("delivered", "").await;
            until("it carries events on", async || {
                (site.settled("delivered", "").await >= seen + 300).then_some(())
            })
            .await;
            site.kill(Program::Enrich);
            load.more(300).await;
            site.launch(Program::Enrich);
            site.ready(Program::Enrich).await;
        }
        load.more(300).await;
        let sent = load.end().await;
        site.carried_once(&sent).await;
        let wanted = sent.len() as u64;
        until("every event is a row", async || {
            (site.count("SELECT uniqExact(eid) AS n FROM events").await == wanted).then_some(())
        })
        .await;
        assert_eq!(site.count("SELECT count() AS n FROM events").await, wanted, "before any merge");
    });
}

#[test]
fn one_that_was_thought_dead_and_comes_back_gets_nothing_through() {
    run(async {
        let site = site("zombie", &[]).await;
        let load = Load::start(&site);
        let (mut first, mut second) = (Another::start(&site), Another::start(&site));
        first.delivers(300).await;
        for _ in 0..2 {
            first.process.pause();
            load.more(200).await;
            let waiting = load.ids();
            // What is in the partitions of the one that stands still is carried on only when the group misses it.
            until("the other one has taken over", async || {
                let carried: HashSet<Uuid> = site.ids_on(Topic::Enriched).await.into_iter().collect();
                waiting.is_subset(&carried).then_some(())
            })
            .await;
            first.process.resume();
            first.delivers(100).await;
            std::mem::swap(&mut first, &mut second);
        }
        let sent = load.end().await;
        site.carried_once(&sent).await;
    });
}

#[test]
fn partitions_go_from_one_to_another_and_every_event_is_there_once() {
    run(async {
        let site = site("to_and_fro", &[]).await;
        let load = Load::start(&site);
        let mut staying = Another::start(&site);
        staying.delivers(300).await;
        for round in 0..3 {
            let mut guest = Another::start(&site);
            guest.delivers(200).await;
            match round {
                0 => guest.process.kill(),
                1 => std::mem::swap(&mut guest, &mut staying),
                _ => {}
            }
            let ended = guest.process.stop(DEADLINE).await;
            if round > 0 {
                assert_eq!(ended.and_then(|status| status.code()), Some(0));
            }
            staying.delivers(200).await;
        }
        let sent = load.end().await;
        site.carried_once(&sent).await;
    });
}

/// `cargo test --workspace -- --nocapture a_window_is_built_again` prints the figure of the README.
#[test]
fn a_window_is_built_again_from_the_raw_topic() {
    const EVENTS: usize = 60_000;
    run(async {
        let mut site = site("window", &[Program::Enrich]).await;
        let sender = Sender::of(&site);
        let ids: Vec<Uuid> = (0..EVENTS).map(|_| Uuid::new_v4()).collect();
        for ids in ids.chunks(5_000) {
            sender.send(ids.iter().map(|eid| event(*eid, None)), &Headers::new()).await;
        }
        let sent_at = Instant::now();
        site.all_enriched().await;
        println!("{EVENTS} events are carried on {:?} after the last one was sent", sent_at.elapsed());
        assert_eq!(site.stop(Program::Enrich).await.and_then(|status| status.code()), Some(0));
        site.launch(Program::Enrich);
        site.ready(Program::Enrich).await;
        let repeats = ids.iter().step_by(997).map(|eid| event(*eid, None));
        sender.send(repeats, &Headers::new()).await;
        let wanted = EVENTS.div_ceil(997) as u64;
        until("the repeats are dropped", async || {
            (site.settled("dropped", "duplicate").await == wanted).then_some(())
        })
        .await;
        assert_eq!(site.ids_on(Topic::Enriched).await.len(), EVENTS);
        let log = std::fs::read_to_string(site.log(Program::Enrich)).unwrap();
        let built: Vec<&str> = log.lines().filter(|line| line.contains("the window is built")).collect();
        println!("{}", built.join("\n"));
        assert!(built.len() >= 3, "one of each partition");
    });
}
