//! On librdkafka's own mock of a broker, which answers with the errors it is told to.

use super::*;
use crate::{
    config::Size,
    envelope::Headers,
    kafka::{KafkaConfig, Producer},
    telemetry::Health,
    testing::until,
};
use rdkafka::{
    Message as _,
    consumer::{BaseConsumer, Consumer as _},
    mocking::MockCluster,
    producer::DefaultProducerContext,
    types::{RDKafkaApiKey, RDKafkaRespErr},
};
use std::collections::BTreeSet;

const STALL: Duration = Duration::from_millis(300);
const TOPIC: &str = "t";

type Mock = MockCluster<'static, DefaultProducerContext>;

const SOON: Duration = Duration::from_secs(60);

struct Bench {
    mock: Mock,
    health: Health,
    producer: Producer,
}

fn bench(timeout: Duration) -> Bench {
    let mock = MockCluster::new(1).unwrap();
    mock.create_topic(TOPIC, 1, 1).unwrap();
    let config = KafkaConfig {
        brokers: mock.bootstrap_servers(),
        prefix: String::new(),
        stall: STALL,
        properties: std::collections::BTreeMap::new(),
    };
    let options = ProducerOptions { name: "test", linger: Duration::ZERO, timeout, buffer: Size(1 << 20) };
    let health = Health::default();
    let producer = Producer::start(&config, &options, &health).unwrap();
    Bench { mock, health, producer }
}

impl Bench {
    fn refuse(&self, error: RDKafkaRespErr, times: usize) {
        self.mock.request_errors(RDKafkaApiKey::Produce, &vec![error; times]);
    }

    /// Which client it is.
    fn client(&self) -> *const Deliveries {
        Arc::as_ptr(self.producer.clients().client().context())
    }

    async fn send(&self, keys: std::ops::Range<u8>) -> Vec<Result<(), Fault>> {
        let message = |key: u8| Outgoing {
            topic: TOPIC.into(),
            key: vec![key],
            payload: vec![key; 3],
            headers: Headers::new().with("h", [key]),
            timestamp_ms: 1_000 + i64::from(key),
        };
        self.producer.send(keys.map(message).collect()).await
    }

    /// Everything that the topic holds, each once: key, header and time.
    fn stored(&self) -> BTreeSet<(Vec<u8>, Vec<u8>, i64)> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.mock.bootstrap_servers()).set("group.id", "g");
        config.set("enable.partition.eof", "true").set("auto.offset.reset", "earliest");
        let consumer: BaseConsumer = config.create().unwrap();
        let mut list = rdkafka::TopicPartitionList::new();
        list.add_partition_offset(TOPIC, 0, rdkafka::Offset::Beginning).unwrap();
        consumer.assign(&list).unwrap();
        let mut stored = BTreeSet::new();
        loop {
            match consumer.poll(Duration::from_secs(30)).expect("a message or the end") {
                Ok(message) => {
                    assert_eq!(message.payload(), Some([message.key().unwrap()[0]; 3].as_slice()));
                    let message = crate::kafka::detach(&message, &TOPIC.into());
                    let header = message.headers.get("h").unwrap().to_vec();
                    stored.insert((message.key.unwrap(), header, message.timestamp_ms));
                }
                Err(KafkaError::PartitionEOF(_)) => return stored,
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn expected(keys: std::ops::Range<u8>) -> BTreeSet<(Vec<u8>, Vec<u8>, i64)> {
        keys.map(|key| (vec![key], vec![key], 1_000 + i64::from(key))).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_delivers_nothing_is_replaced_and_what_it_held_is_delivered_as_it_was() {
    let bench = bench(Duration::from_secs(60));
    let first = bench.client();
    bench.refuse(RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, 6);
    let verdicts = bench.send(0..20).await;
    assert!(verdicts.iter().all(Result::is_ok), "{verdicts:?}");
    assert_ne!(bench.client(), first, "another client did it");
    assert_eq!(bench.stored(), Bench::expected(0..20));
    assert_eq!(bench.producer.queued(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_failed_for_good_is_replaced_at_once() {
    let bench = bench(Duration::from_secs(60));
    assert!(bench.send(0..1).await.iter().all(Result::is_ok));
    let first = bench.client();
    bench.refuse(RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, 1);
    let verdicts = bench.send(1..20).await;
    assert!(verdicts.iter().all(Result::is_ok), "{verdicts:?}");
    assert_ne!(bench.client(), first, "another client did it");
    let verdicts = bench.send(20..21).await;
    assert!(verdicts.iter().all(Result::is_ok), "and it goes on: {verdicts:?}");
    assert_eq!(bench.stored(), Bench::expected(0..21));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_is_told_no_in_its_time_however_often_the_client_was_replaced() {
    let timeout = Duration::from_secs(5);
    let bench = bench(timeout);
    let first = bench.client();
    bench.refuse(RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, 1000);
    let began = Instant::now();
    let verdicts = bench.send(0..3).await;
    assert!(began.elapsed() < 10 * timeout, "{:?}", began.elapsed());
    assert!(
        verdicts.iter().all(|verdict| verdict.as_ref().is_err_and(|fault| fault.tag == "unacknowledged")),
        "{verdicts:?}"
    );
    assert_ne!(bench.client(), first);
    assert!(!bench.producer.acknowledges());

    let unwell = || bench.health.ready().is_err_and(|parts| parts[0].1.contains("acknowledges no message"));
    until("a producer whose every message is given up is not ready, connected or not", SOON, unwell).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_broker_the_client_is_kept_and_a_flush_ends_in_its_time() {
    let bench = bench(Duration::from_secs(60));
    assert!(bench.send(0..1).await.iter().all(Result::is_ok));
    until("the client sees its broker", SOON, || bench.producer.is_up()).await;
    let first = bench.client();
    bench.mock.broker_down(1).unwrap();
    until("the client sees that the broker is away", SOON, || !bench.producer.is_up()).await;
    let began = Instant::now();
    tokio::select! {
        biased; // the flush has something to wait for: the message is queued when the send is first polled
        verdicts = bench.send(1..2) => panic!("there is nobody who could have said {verdicts:?}"),
        flushed = bench.producer.flush(STALL * 8) => assert_eq!(flushed.unwrap_err().tag, "flush"),
    }
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert_eq!(bench.client(), first);
    assert_eq!(bench.producer.queued(), 1);
}
