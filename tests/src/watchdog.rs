//! A broker that answers others and not this client: that is rebuilt, and nothing is lost.

use crate::rig::{Program, Site, cache, run, stack, until};
use serde_json::json;
use std::{
    collections::BTreeSet,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp},
};
use tracker_schemas::Topic;
use tracker_stack::{Broker, BrokerOptions, free_ports};
use uuid::Uuid;

const REBUILT: &str = r#"tracker_producer_rebuilt_total{producer="events",why="stalled"}"#;

/// Kafka's number of the request that brings messages.
const PRODUCE: &[u16] = &[0];
/// Those by which a member speaks with its group, and reads: fetch, commit, offsets, coordinator, join, heartbeat, leave, sync.
const MEMBER: &[u16] = &[1, 8, 9, 10, 11, 12, 13, 14];

/// Stands before a broker and hears everything, but of its first connections, as many as it is told, no request of these kinds:
/// those are lost, and never answered. What else they ask is. That is how a client looks from inside that has lost its way.
#[derive(Clone)]
struct Deaf {
    kinds: &'static [u16],
    connections: Arc<AtomicUsize>,
    first: Arc<AtomicUsize>,
}

impl Deaf {
    async fn listen(kinds: &'static [u16], port: u16, broker: u16) -> Self {
        let deaf = Self { kinds, connections: Arc::default(), first: Arc::default() };
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("a port");
        let accepting = deaf.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = accepting.connections.fetch_add(1, Ordering::SeqCst);
                let Ok(broker) = TcpStream::connect(("127.0.0.1", broker)).await else { continue };
                let ((asks, mut hears), (mut answers, asked)) = (client.into_split(), broker.into_split());
                tokio::spawn(accepting.clone().carry(number, asks, asked));
                tokio::spawn(async move { tokio::io::copy(&mut answers, &mut hears).await });
            }
        });
        deaf
    }

    /// To the connections that there are now.
    fn to_those_present(&self) {
        self.first.store(self.connections.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// To all that there are and will be.
    fn to_all(&self) {
        self.first.store(usize::MAX, Ordering::SeqCst);
    }

    fn to_none(&self) {
        self.first.store(0, Ordering::SeqCst);
    }

    async fn carry(
        self,
        number: usize,
        mut from: tcp::OwnedReadHalf,
        mut to: tcp::OwnedWriteHalf,
    ) -> io::Result<()> {
        loop {
            let length = from.read_u32().await?;
            let mut request = vec![0; length as usize];
            from.read_exact(&mut request).await?;
            let kind = request.first_chunk().map(|kind| u16::from_be_bytes(*kind));
            let is_lost = kind.is_some_and(|kind| self.kinds.contains(&kind));
            if is_lost && number < self.first.load(Ordering::SeqCst) {
                continue;
            }
            to.write_u32(length).await?;
            to.write_all(&request).await?;
        }
    }
}

/// What a browser does: the same event, until it is answered with success.
async fn keep(site: &Site, eid: Uuid) {
    let body = json!({ "eid": eid, "ename": "kept" }).to_string();
    until("the event is answered 200", async || {
        (site.post("/tr/v1/tr/", body.clone()).await.status == 200).then_some(())
    })
    .await;
}

/// Sends as many events, and waits until each is on the topic under its own id.
async fn keep_many(site: &Site, count: usize) {
    let sent: Vec<Uuid> = std::iter::repeat_with(Uuid::now_v7).take(count).collect();
    futures::future::join_all(sent.iter().map(|eid| keep(site, *eid))).await;
    until("every event is on the topic", async || {
        let stored = site.messages(Topic::Events).await;
        let ids: BTreeSet<Vec<u8>> = stored.into_iter().filter_map(|message| message.key).collect();
        sent.iter().all(|eid| ids.contains(eid.to_string().as_bytes())).then_some(())
    })
    .await;
}

async fn rebuilt(site: &Site, times: f64) {
    until("the producer is rebuilt", async || {
        (site.metrics(Program::Edge).await[REBUILT] >= times).then_some(())
    })
    .await;
}

/// A broker of its own, behind one that is deaf.
async fn behind_deaf(name: &str, kinds: &'static [u16]) -> (Broker, Deaf, String) {
    let [port, controller, behind, proxy] = *free_ports(4).expect("ports") else { panic!("four ports") };
    let data = stack().await.folder.path().join(name);
    let options = BrokerOptions::new(cache(), data, port, controller).behind(behind, proxy);
    let broker = Broker::start(options).await.expect("a broker");
    (broker, Deaf::listen(kinds, proxy, behind).await, format!("127.0.0.1:{proxy}"))
}

#[test]
fn a_producer_that_delivers_nothing_to_a_broker_that_answers_is_rebuilt_and_loses_nothing() {
    run(async {
        let (_broker, deaf, brokers) = behind_deaf("kafka-deaf", PRODUCE).await;
        let settings = [("KAFKA__BROKERS", brokers.as_str()), ("KAFKA__STALL", "600ms")];
        let mut site = Site::prepare("watchdog", &settings).await;
        site.tracker(&["topics", "apply"]);
        site.launch(Program::Edge);
        site.ready(Program::Edge).await;
        keep_many(&site, 10).await;
        // Only a new client helps.
        let so_far = site.metrics(Program::Edge).await[REBUILT]; // on a busy machine the first may have been slow
        deaf.to_those_present();
        tokio::join!(keep_many(&site, 50), rebuilt(&site, so_far + 1.0));

        // A new client does not help, until somebody mends the broker.
        let so_far = site.metrics(Program::Edge).await[REBUILT];
        deaf.to_all();
        tokio::join!(keep_many(&site, 50), async {
            rebuilt(&site, so_far + 1.0).await;
            deaf.to_none();
        });
        site.ready(Program::Edge).await;
        let log = std::fs::read_to_string(site.log(Program::Edge)).expect("a log");
        assert!(log.contains("rebuilt the client") && log.contains("stalled"), "the log says why: {log}");
    });
}

#[test]
fn a_consumer_whose_group_answers_others_is_rebuilt_and_everything_is_stored_once() {
    run(async {
        let (_broker, deaf, brokers) = behind_deaf("kafka-deaf-group", MEMBER).await;
        let settings = [
            ("KAFKA__BROKERS", brokers.as_str()),
            ("KAFKA__STALL", "3s"),
            ("KAFKA__PROPERTIES__SESSION_TIMEOUT_MS", "6000"),
            ("ENRICH__TRANSACTION_TIMEOUT", "5s"),
            // Or a client makes a new connection by itself, which is heard.
            ("KAFKA__PROPERTIES__SOCKET_MAX_FAILS", "0"),
        ];
        let site = Site::start("watchdog_group", &settings).await;
        let stored = async |count: usize| {
            let events = "SELECT uniqExact(eid) AS n FROM events";
            until(&format!("{count} events are stored"), async || {
                (site.count(events).await == count as u64).then_some(())
            })
            .await;
            assert_eq!(site.count("SELECT count() AS n FROM events").await, count as u64, "each once");
        };
        keep_many(&site, 10).await;
        stored(10).await;
        let rebuilds = r#"tracker_consumer_rebuilt_total{lane="load.events"}"#;
        assert_eq!(site.metrics(Program::Load).await[rebuilds], 0.0);

        deaf.to_those_present();
        keep_many(&site, 10).await;
        until("the consumer is rebuilt", async || {
            (site.metrics(Program::Load).await[rebuilds] >= 1.0).then_some(())
        })
        .await;
        keep_many(&site, 10).await;
        stored(30).await;
        site.ready(Program::Load).await;
        site.ready(Program::Enrich).await;
    });
}
