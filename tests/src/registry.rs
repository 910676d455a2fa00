//! With a schema registry, values carry the id that it gave to their schema.

use crate::rig::{Site, run};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tracker_schemas::{Event, Fact, Topic};
use uuid::Uuid;

/// A registry as small as can be: schemas by subject, in memory. A schema's id is the same under each subject.
#[derive(Clone, Default)]
struct Registry(Arc<Mutex<Vec<(String, String)>>>);

/// Ids begin here, so that none is mistaken for a version.
const FIRST_ID: u32 = 0x0102_0300;

impl Registry {
    /// Serves from now on; gives the address.
    async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let registry = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(registry.clone().converse(stream));
            }
        });
        url
    }

    /// One request and its answer.
    async fn converse(self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        let (mut head, mut length) = (String::new(), 0);
        while stream.read_line(&mut head).await.unwrap() > 2 {
            let last = head.lines().last().unwrap().to_ascii_lowercase();
            length = last.strip_prefix("content-length: ").map_or(length, |digits| digits.parse().unwrap());
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        let (status, answer) = match self.answer(head.split(' ').nth(1).unwrap(), &body) {
            Some(answer) => ("200 OK", answer.to_string()),
            None => ("404 Not Found", json!({ "error_code": 40401 }).to_string()),
        };
        let head =
            format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
        stream.write_all((head + &answer).as_bytes()).await.unwrap();
    }

    /// POST and GET of `/subjects/{subject}/versions`, GET of `/subjects/{subject}/versions/{number}`.
    fn answer(&self, path: &str, body: &[u8]) -> Option<Value> {
        let mut known = self.0.lock().unwrap();
        let mut parts = path.strip_prefix("/subjects/")?.split('/');
        let (subject, number) = (parts.next()?, parts.nth(1));
        if !body.is_empty() {
            let schema = serde_json::from_slice::<Value>(body).unwrap()["schema"].as_str()?.to_owned();
            let entry = (subject.to_owned(), schema);
            if !known.contains(&entry) {
                known.push(entry.clone());
            }
            return Some(json!({ "id": id(&known, &entry.1)? }));
        }
        let of_subject: Vec<&(String, String)> = known.iter().filter(|(known, _)| known == subject).collect();
        match number {
            None if of_subject.is_empty() => None,
            None => Some((1..=of_subject.len()).collect()),
            Some(number) => {
                let (_, schema) = of_subject.get(number.parse::<usize>().ok()?.checked_sub(1)?)?;
                Some(json!({ "id": id(&known, schema)?, "schema": schema }))
            }
        }
    }

    /// The id of what was registered for a topic of the site.
    fn id_for(&self, site: &Site, topic: Topic) -> u32 {
        let known = self.0.lock().unwrap();
        let subject = format!("{}{topic}-value", site.prefix);
        let schemas: Vec<&String> =
            known.iter().filter(|(of, _)| *of == subject).map(|(_, schema)| schema).collect();
        assert_eq!(schemas, [topic.avsc()], "one version under {subject}");
        id(&known, schemas[0]).unwrap()
    }
}

fn id(known: &[(String, String)], schema: &str) -> Option<u32> {
    let place = known.iter().position(|(_, known)| known == schema)?;
    Some(FIRST_ID + u32::try_from(place).ok()?)
}

#[test]
fn every_value_carries_the_registrys_id_and_both_framings_are_read() {
    run(async {
        let registry = Registry::default();
        let site = Site::start("registry", &[("SCHEMA_REGISTRY__URL", &registry.serve().await)]).await;

        let [event, payment, plain] = std::array::from_fn(|_| Uuid::now_v7().to_string());
        let sent = site.post("/tr/v1/tr/", json!({ "eid": event, "ename": "view" }).to_string()).await;
        assert_eq!(sent.status, 200);
        let paid =
            site.post_secret("/tr/v1/ltv/", json!({ "id": payment, "revenue": "1.5" }).to_string()).await;
        assert_eq!(paid.status, 200);
        assert_eq!(site.event(&event).await["ename"], "view");
        site.row(&format!("SELECT id FROM payments WHERE id = '{payment}'")).await;
        site.put(Topic::Events, [("key".to_owned(), b"no event".to_vec())]).await;
        site.row("SELECT id FROM dead_letters WHERE payload = 'no event' AND reason = 'malformed'").await;
        for topic in [Topic::Events, Topic::Enriched, Topic::Payments, Topic::DeadLetters] {
            assert_eq!(ids(&site, topic).await, [registry.id_for(&site, topic)], "{topic}");
        }

        // What was written before there was a registry, or by somebody who does not know it.
        let fact = Fact { eid: plain.parse().unwrap(), ename: Some("plain".to_owned()), ..Fact::default() };
        site.produce([(plain.clone(), Event { fact, ..Event::default() })]).await;
        assert_eq!(site.event(&plain).await["ename"], "plain");

        let tapped = site.tracker_output(&["tap", "events", "--from", "start", "--until-end"]);
        let lines = String::from_utf8(tapped.stdout).unwrap();
        for eid in [&event, &plain] {
            assert!(lines.contains(eid.as_str()), "{eid} in {lines}");
        }
    });
}

/// The id before each value of a topic, once each. Panics at one that is in another framing.
async fn ids(site: &Site, topic: Topic) -> Vec<u32> {
    let messages = site.messages(topic).await;
    let mut ids: Vec<u32> = messages
        .iter()
        .filter(|message| message.payload != b"no event")
        .map(|message| match message.payload[..] {
            [0, a, b, c, d, ..] => u32::from_be_bytes([a, b, c, d]),
            _ => panic!("{topic} has {message:?}"),
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[test]
fn an_empty_topic_can_be_read_before_anything_is_registered() {
    run(async {
        let url = Registry::default().serve().await;
        let mut site = Site::prepare("unregistered", &[("SCHEMA_REGISTRY__URL", &url)]).await;
        site.tracker(&["topics", "apply"]);
        assert_eq!(site.tracker(&["tap", "enriched", "--from", "start", "--until-end"]), "");

        site.environment.insert("TRACKER_SCHEMA_REGISTRY__URL".to_owned(), "http://127.0.0.1:1".to_owned());
        let output = site.tracker_output(&["tap", "enriched", "--from", "start", "--until-end"]);
        assert_eq!(output.status.code(), Some(1));
        let why = String::from_utf8(output.stderr).unwrap();
        assert!(why.contains("127.0.0.1:1 (schema_registry.url)") && why.contains("refused"), "{why}");
    });
}
