//! `tracker-stream` on a real broker: what its tests in memory cannot show.

use crate::rig::{run, stack, until};
use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracker_stream::{
    batch::Limits,
    books::Unbooked,
    config::Size,
    envelope::{Headers, Message, PlannedRange, Verdict},
    fault::{Fault, Refusal, WriteError},
    kafka::{
        Admin, From, KafkaConfig, MESSAGE_BYTES, Outgoing, Producer, ProducerOptions, Reader, Reading,
        Source, SourceOptions, TOPIC_MESSAGE_BYTES, TopicSpec,
    },
    lane::{Bury, Lane, Sink, Step, Work},
    strategy::Pace,
    telemetry::Health,
};

/// A topic of its own, with three partitions, and a producer.
struct Bench {
    config: KafkaConfig,
    topic: Arc<str>,
    admin: Admin,
    producer: Producer,
}

fn spec(topic: &str, partitions: i32) -> TopicSpec {
    let bytes = TOPIC_MESSAGE_BYTES.to_string();
    let config = vec![("retention.ms", "3600000".to_owned()), ("max.message.bytes", bytes)];
    TopicSpec { name: topic.to_owned(), partitions, replication: 1, config }
}

async fn bench(name: &str) -> Bench {
    let brokers = stack().await.brokers.clone();
    let stall = Duration::from_secs(30);
    let config = KafkaConfig { brokers, prefix: format!("{name}."), stall, properties: BTreeMap::new() };
    let topic = config.topic("t");
    let admin = Admin::connect(&config).unwrap();
    admin.apply(&[spec(&topic, 3)]).await.unwrap();
    let options = ProducerOptions {
        name: "test",
        linger: Duration::from_millis(1),
        timeout: Duration::from_secs(30),
        buffer: Size(8 << 20),
    };
    let producer = Producer::start(&config, &options, &Health::default()).unwrap();
    Bench { config, topic, admin, producer }
}

impl Bench {
    fn outgoing(&self, key: usize, payload: Vec<u8>) -> Outgoing {
        Outgoing {
            topic: Arc::clone(&self.topic),
            key: key.to_string().into_bytes(),
            payload,
            headers: Headers::new().with("h", "v"),
            timestamp_ms: tracker_stream::clock::now_ms(),
        }
    }

    async fn produce(&self, keys: std::ops::Range<usize>) {
        let messages = keys.map(|key| self.outgoing(key, key.to_string().into_bytes())).collect();
        let verdicts = self.producer.send(messages).await;
        assert!(verdicts.iter().all(Result::is_ok), "{verdicts:?}");
    }

    async fn uncommitted(&self, group: &str) -> i64 {
        let committed = self.admin.committed(group, &self.topic).await.unwrap();
        let ends = self.admin.ends(&self.topic).await.unwrap();
        ends.iter()
            .map(|(number, low, high)| {
                let offset = committed.iter().find(|(partition, _)| partition == number);
                high - offset.and_then(|(_, offset)| *offset).unwrap_or(*low)
            })
            .sum()
    }
}

/// Keeps everything, and knows what it has.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<Vec<String>>>);

struct AsText;

impl Step for AsText {
    type Out = String;
    fn step(&self, message: &Message) -> Verdict<String> {
        Verdict::Keep(String::from_utf8_lossy(&message.payload).into_owned())
    }
}

impl Sink<String> for Shelf {
    async fn write(&self, _: &PlannedRange, items: &[String]) -> Result<(), WriteError> {
        self.0.lock().unwrap().extend_from_slice(items);
        Ok(())
    }
}

struct Nowhere;

impl Bury for Nowhere {
    async fn bury(&self, dead: &[(&Message, &Refusal)]) -> Result<(), Fault> {
        panic!("nothing is refused here: {dead:?}")
    }
}

type Running = (CancellationToken, JoinHandle<Result<(), Fault>>);

fn lane(bench: &Bench, shelf: &Shelf) -> Running {
    let health = Health::default();
    let options = SourceOptions {
        lane: "test",
        group: bench.config.group("g"),
        topic: Arc::clone(&bench.topic),
        fetch_buffer: Size(1 << 20),
        fetch_least: Size(1),
    };
    let lane = Lane {
        name: "test",
        source: Source::start(&bench.config, options, &health).unwrap(),
        step: AsText,
        sink: shelf.clone(),
        dead: Nowhere,
        work: Work {
            pace: Pace::Fixed(Limits { rows: 100, bytes: 1 << 20, time: Duration::from_millis(20) }),
            per_second: 0.0,
            breaker_pause: Duration::from_secs(30),
        },
        sift: (),
        books: Unbooked,
        grace: Duration::from_secs(10),
        health,
    };
    let shutdown = CancellationToken::new();
    (shutdown.clone(), tokio::spawn(lane.run(shutdown)))
}

async fn end((shutdown, task): Running) {
    shutdown.cancel();
    task.await.unwrap().unwrap();
}

impl Shelf {
    fn distinct(&self) -> usize {
        self.0.lock().unwrap().iter().collect::<HashSet<_>>().len()
    }

    async fn holds(&self, wanted: usize) {
        until(&format!("{wanted} messages on the shelf"), async || (self.distinct() == wanted).then_some(()))
            .await;
    }
}

#[test]
fn each_message_of_a_call_has_its_own_verdict() {
    run(async {
        let bench = bench("verdicts").await;
        let messages = vec![
            bench.outgoing(1, b"small".to_vec()),
            bench.outgoing(2, vec![0; MESSAGE_BYTES + 1]),
            bench.outgoing(3, b"small".to_vec()),
        ];
        let verdicts = bench.producer.send(messages).await;
        let tags: Vec<_> =
            verdicts.iter().map(|verdict| verdict.as_ref().map_err(|fault| fault.tag)).collect();
        assert_eq!(tags, [Ok(&()), Err("too_large"), Ok(&())]);
        let stored: i64 =
            bench.admin.ends(&bench.topic).await.unwrap().iter().map(|(_, low, high)| high - low).sum();
        assert_eq!(stored, 2);
    });
}

#[test]
fn a_lane_stores_everything_and_commits_it_before_it_ends() {
    run(async {
        let bench = bench("lane").await;
        bench.produce(0..5000).await;
        let shelf = Shelf::default();
        let running = lane(&bench, &shelf);
        shelf.holds(5000).await;
        end(running).await;
        assert_eq!(bench.uncommitted("lane.g").await, 0);
        assert_eq!(shelf.0.lock().unwrap().len(), 5000, "nothing failed, so nothing was read twice");
    });
}

#[test]
fn partitions_move_between_members_without_losing_or_doubling_a_message() {
    run(async {
        let bench = bench("rebalance").await;
        let (first, second) = (Shelf::default(), Shelf::default());
        let one = lane(&bench, &first);
        bench.produce(0..1000).await;
        first.holds(1000).await;
        let two = lane(&bench, &second);
        let mut sent = 1000;
        until("the second member has a share", async || {
            bench.produce(sent..sent + 100).await;
            sent += 100;
            (second.distinct() > 0).then_some(())
        })
        .await;
        end(one).await;
        bench.produce(sent..sent + 1000).await;
        sent += 1000;
        until("both have everything", async || (first.distinct() + second.distinct() >= sent).then_some(()))
            .await;
        end(two).await;
        let all: Vec<String> =
            [&first, &second].iter().flat_map(|shelf| shelf.0.lock().unwrap().clone()).collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), sent, "nothing is lost");
        assert_eq!(all.len(), sent, "a partition is let go only after its commit");
        assert_eq!(bench.uncommitted("rebalance.g").await, 0);
    });
}

#[test]
fn topics_are_made_once_and_their_differences_are_told() {
    run(async {
        let bench = bench("topics").await;
        assert_eq!(bench.admin.apply(&[spec(&bench.topic, 3)]).await.unwrap(), Vec::<String>::new());
        let wanted =
            TopicSpec { config: vec![("retention.ms", "7200000".to_owned())], ..spec(&bench.topic, 4) };
        let found = bench.admin.check(std::slice::from_ref(&wanted)).await.unwrap();
        let problems: Vec<_> = found.into_iter().map(|difference| difference.problem).collect();
        assert_eq!(
            problems,
            ["has 3 partitions and should have 4", "has retention.ms=3600000 and should have 7200000"]
        );
        bench.admin.apply(std::slice::from_ref(&wanted)).await.unwrap();
        assert_eq!(bench.admin.check(std::slice::from_ref(&wanted)).await.unwrap(), []);
        // What the specification does not name is left as an operator set it.
        let both =
            TopicSpec { config: vec![("max.message.bytes", TOPIC_MESSAGE_BYTES.to_string())], ..wanted };
        assert_eq!(bench.admin.check(std::slice::from_ref(&both)).await.unwrap(), []);
    });
}

#[test]
fn what_was_applied_is_told_at_once_however_often_it_changes() {
    run(async {
        let bench = bench("topic_changes").await;
        for hours in 4..32 {
            let retention = (hours * 3_600_000).to_string();
            let wanted = TopicSpec { config: vec![("retention.ms", retention)], ..spec(&bench.topic, hours) };
            bench.admin.apply(std::slice::from_ref(&wanted)).await.unwrap();
            assert_eq!(bench.admin.check(&[wanted]).await.unwrap(), []);
        }
    });
}

#[test]
fn a_setting_that_the_broker_tells_otherwise_than_it_took_it_is_not_waited_for_for_ever() {
    run(async {
        let bench = bench("topic_untold").await;
        // Kafka takes it, and tells it without the zero.
        let wanted =
            TopicSpec { config: vec![("retention.ms", "07200000".to_owned())], ..spec(&bench.topic, 3) };
        let fault = bench.admin.apply(&[wanted]).await.unwrap_err();
        assert_eq!(fault.tag, "topic_untold", "{fault:?}");
    });
}

#[test]
fn a_reader_sees_a_topic_from_its_beginning_to_its_end() {
    run(async {
        let bench = bench("reader").await;
        bench.produce(0..500).await;
        let mut reader = Reader::open(&bench.config, &bench.topic, From::Beginning).await.unwrap();
        let mut seen = HashSet::new();
        while let Reading::Message(message) = reader.next().await.unwrap() {
            assert_eq!(message.headers.get("h"), Some(b"v".as_slice()));
            seen.insert(message.payload);
        }
        assert_eq!(seen.len(), 500);
        bench.produce(500..501).await;
        let Reading::Message(next) = reader.next().await.unwrap() else { panic!("caught up twice") };
        assert_eq!(next.payload, b"500");
    });
}

#[test]
fn a_reader_of_no_topic_says_so() {
    run(async {
        let bench = bench("no_topic").await;
        let opened = Reader::open(&bench.config, "no_topic.nothing", From::Beginning).await;
        assert_eq!(opened.err().map(|fault| fault.tag), Some("topic_missing"));
    });
}
