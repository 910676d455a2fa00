//! Every address of the edge: what it takes, what it answers, what it refuses, and what it never records.
//!
//! A refusal is believed only where the topics behind the edge are read and hold nothing of it, and hold what was
//! accepted beside it: see [`Mark`].

mod consents;
mod cookies;
mod cors;
mod events;
mod limits;
mod links;
mod looking;
mod outage;
mod pixel;
mod privacy;
mod refusals;
mod servers;
mod table;

use crate::rig::{Site, until};
use tokio::sync::OnceCell;
use tracker_schemas::Topic;
use uuid::Uuid;

/// Consent to everything: nothing is removed from the row.
pub const CONSENT: u64 = 5377;

/// Where no script of another origin may read, nor send to: where these addresses begin.
pub const PRIVATE: [&str; 12] = [
    "/tr/v1/str",
    "/tr/v1/ltv",
    "/tr/v1/rdr",
    "/tr/v1/xrdr",
    "/tr/v1/rpi/redirect",
    "/tr/v1/ppi/forget",
    "/health",
    "/ready",
    "/ping",
    "/status",
    "/metrics",
    "/openapi.json",
];

/// A name that nothing else bears. What a test sends bears it, as the event's or the product's name; so what became
/// of it is found, and what did not become of it is not.
pub struct Mark<'a> {
    site: &'a Site,
    pub name: String,
}

impl<'a> Mark<'a> {
    pub fn on(site: &'a Site) -> Self {
        Self::named(site, &format!("m{}", Uuid::new_v4().simple()))
    }

    /// One that was made before.
    pub fn named(site: &'a Site, name: &str) -> Self {
        Self { site, name: name.to_owned() }
    }

    /// How many messages bear it, in both topics that the edge writes.
    pub async fn recorded(&self) -> usize {
        let (events, payments) =
            tokio::join!(self.site.messages(Topic::Events), self.site.messages(Topic::Payments));
        let bears =
            |payload: &[u8]| payload.windows(self.name.len()).any(|text| text == self.name.as_bytes());
        events.iter().chain(&payments).filter(|message| bears(&message.payload)).count()
    }

    /// Exactly these events were recorded: each has its row, and no other message bears the mark.
    pub async fn recorded_only(&self, eids: &[Uuid]) {
        let mut expected: Vec<String> = eids.iter().map(Uuid::to_string).collect();
        expected.sort();
        let sql = format!("SELECT eid FROM events FINAL WHERE ename = '{}'", self.name);
        let mut found = Vec::new();
        until(&format!("the rows {expected:?} of {} in {}", self.name, self.site.database), async || {
            let rows = self.site.rows(&sql).await;
            found = rows.iter().map(|row| row["eid"].as_str().unwrap_or_default().to_owned()).collect();
            found.sort();
            (found.len() >= expected.len()).then_some(())
        })
        .await;
        assert_eq!(found, expected);
        assert_eq!(self.recorded().await, eids.len(), "a message was recorded that should not have been");
    }
}

/// An edge with narrow bounds, and nothing behind it: what it records is looked for in its topics. Its limits count
/// per address, so that each test brings addresses of its own.
pub async fn strict() -> &'static Site {
    static STRICT: OnceCell<Site> = OnceCell::const_new();
    let settings = [
        ("EDGE__ALLOWED_ORIGINS", "https://shop.example,http://localhost:3000"),
        ("EDGE__RATE_LIMIT_PER_DAY", "1440"),
        ("EDGE__RATE_LIMIT_BURST", "3"),
        ("EDGE__HEADER_TIMEOUT", "3s"),
        ("EDGE__BODY_TIMEOUT", "3s"),
    ];
    STRICT.get_or_init(async || Site::edge("strict", &settings).await).await
}
