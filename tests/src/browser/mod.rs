//! The browser script in a real browser: a site's pages on one origin, the real edge on another, the rows in ClickHouse.

mod allowed;
mod ending;
mod sending;
mod telling;

use crate::rig::{Browser, Page, Pages, Program, Site, shared, until};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tracker_schemas::{Decoder, Event, Topic};
use uuid::Uuid;

/// Consent to everything, and to all but marketing.
const ALL: u64 = 5377;
const NO_MARKETING: u64 = 1281;

/// What a page runs before the script, so that `track` can be called.
const STUB: &str = "var track=window.track||function(event){track.q.push(event)};track.q=track.q||[];track.consent=track.consent||track";

/// Notes what the script sends and how it is answered, in `sent`.
const LISTEN: &str = r"
    const real = window.fetch;
    window.sent = [];
    window.fetch = async (url, options) => {
        const one = { at: Date.now(), ids: JSON.parse(options.body).map((event) => event.eid) };
        sent.push(one);
        const response = await real(url, options);
        one.answered = Date.now();
        one.wait = Number(response.headers.get('Retry-After')) * 1000;
        one.status = response.status;
        return response;
    };";

/// A browser, a site's pages, and an edge. What the pages send bears the mark as its `app`.
pub struct Stage {
    pub site: &'static Site,
    pub browser: Browser,
    pub pages: Pages,
    /// As the browser calls it.
    pub edge: String,
    pub mark: String,
}

impl Stage {
    async fn open() -> Self {
        let site = shared().await;
        Self::facing(site, &site.address(Program::Edge)).await
    }

    /// With another edge, or another way to it.
    pub async fn facing(site: &'static Site, edge: &str) -> Self {
        let edge = edge.replace("127.0.0.1", "tr.edge.test");
        let mark = format!("m{}", Uuid::new_v4().simple());
        let (browser, pages) = tokio::join!(Browser::open(), Pages::serve());
        Self { site, browser, pages, edge, mark }
    }

    /// A page with the script, these attributes on its element, scripts before it, and this body.
    fn page(&self, options: &str, before: &str, body: &str) -> Page {
        let Self { edge, mark, .. } = self;
        let html = format!(
            "<!doctype html><title>A page</title><link rel=icon href=data:,><script>{STUB};{before}</script>\
             <script async src=\"{edge}/track.js\" data-field-app={mark} {options}></script>{body}"
        );
        Page { headers: String::new(), html }
    }

    fn put(&self, path: &str, options: &str, body: &str) {
        self.pages.put(path, self.page(options, LISTEN, body));
    }

    /// The address of a page.
    pub fn at(&self, path: &str) -> String {
        format!("http://www.shop.test:{}{path}", self.pages.port)
    }

    /// Opens a page and waits for its script.
    async fn goto(&self, path: &str) {
        self.browser.goto(&self.at(path)).await;
        self.browser.comes("track.set").await;
    }

    /// The rows of all that was sent, in order, with an event that ends it. Events of one request are on several partitions, not
    /// all at once; but the script sends one request at a time, so what came before the next one is safe when that is there.
    async fn end(&self) -> Vec<Value> {
        self.tell("end").await;
        let sent = self.tell("after").await.into_iter().filter(|(_, name)| name != "after");
        let ids: BTreeSet<_> = sent.map(|(eid, _)| eid.to_string()).collect();
        let sql =
            format!("SELECT * FROM events WHERE app = '{}' ORDER BY created_at, toString(eid)", self.mark);
        until(&format!("a row of each of {ids:?}, of {}", self.mark), async || {
            let mut rows = self.site.rows(&sql).await;
            rows.retain(|row| row["ename"] != "after");
            let stored: BTreeSet<_> = column(&rows, "eid").into_iter().map(str::to_owned).collect();
            stored.is_superset(&ids).then_some(rows)
        })
        .await
    }

    /// Lets the page tell of an event, waits until the edge has it, and gives all that it has by then.
    async fn tell(&self, event: &str) -> BTreeMap<Uuid, String> {
        self.browser.run(&format!("track('{event}')")).await;
        until(&format!("`{event}` of {} on the topic", self.mark), async || {
            let events = self.sent().await;
            events.values().any(|name| name == event).then_some(events)
        })
        .await
    }

    /// The names of the events that the edge took, by their ids.
    async fn sent(&self) -> BTreeMap<Uuid, String> {
        let decoder = Decoder::<Event>::new();
        let events = self.site.messages(Topic::Events).await.into_iter();
        let facts = events.map(|message| decoder.decode(&message.payload).unwrap().fact);
        let own = facts.filter(|fact| fact.app.as_ref() == Some(&self.mark));
        own.map(|fact| (fact.eid, fact.ename.unwrap_or_default())).collect()
    }

    pub async fn close(self) {
        self.browser.close().await;
    }
}

/// A column of several rows.
fn column<'a>(rows: &'a [Value], name: &str) -> Vec<&'a str> {
    rows.iter().map(|row| row[name].as_str().unwrap_or_default()).collect()
}

/// A column that holds JSON.
fn inside(row: &Value, column: &str) -> Value {
    serde_json::from_str(row[column].as_str().unwrap_or_default()).unwrap_or_default()
}
