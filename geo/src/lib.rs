//! Where a visitor is, and which consent counts there. The edge and enrichment ask the same files and the same rules.
//!
//! [`Geo`] looks an address up in MaxMind-format databases of cities and of autonomous systems, which are read again when
//! their files change. A missing database leaves fields empty; it never stops an event. Lookups take no lock and copy only
//! what they found. [`country`] says which country counts, [`consent_defaults`] what no signal means there, and
//! [`JURISDICTIONS`] which laws that follows.

pub mod country;
mod database;
mod defaults;
mod jurisdiction;
mod metrics;
mod record;
#[cfg(test)]
mod tests;

pub use defaults::consent_defaults;
pub use jurisdiction::JURISDICTIONS;

use database::Database;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::SetOnce,
    task::{JoinError, JoinSet},
};
use tokio_util::sync::CancellationToken;
use tracker_stream::telemetry::Health;

/// Its name in the health of the process.
pub const PART: &str = "geoip";

/// What the databases know of an address.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Place {
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// Region or state.
    pub region: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Postal code.
    pub zip: Option<String>,
    /// IANA time zone.
    pub tz: Option<String>,
    /// Latitude, degrees.
    pub lat: Option<f64>,
    /// Longitude, degrees.
    pub lon: Option<f64>,
    /// Autonomous system number.
    pub asn: Option<i64>,
    /// Organisation of the autonomous system.
    pub as_org: Option<String>,
}

/// The network that an address stands in: the first 24 bits of IPv4, the first 48 of IPv6. An IPv4 address in IPv6's
/// clothes (`::ffff:192.0.2.1`) is the IPv4 address.
#[must_use]
pub const fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & (u32::MAX << 8))),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 80))),
    }
}

/// Degrees to two places, about a kilometre: what an address says is no better.
#[must_use]
pub fn two_places(degrees: f64) -> f64 {
    (degrees * 100.0).round() / 100.0
}

/// All databases, in the order in which they are asked; a later one only adds what the earlier did not know.
pub struct Geo {
    databases: Vec<Arc<Database>>,
    opened: SetOnce<()>,
}

impl Geo {
    /// Knows the files, and nothing of what is in them.
    fn of<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        let databases = paths.into_iter().map(|path| Arc::new(Database::at(path))).collect();
        Self { databases, opened: SetOnce::new() }
    }

    /// Reads the files that are there.
    pub fn open<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Self {
        let geo = Self { opened: SetOnce::new_with(Some(())), ..Self::of(paths) };
        geo.refresh();
        geo
    }

    /// Begins to read the files that are there, each on a thread that may wait: a database of cities is a hundred megabytes,
    /// and a start has other things to do meanwhile. Nothing is known of any address before they are [`opened`](Self::opened).
    /// Must be called within a runtime.
    pub fn opening<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Arc<Self> {
        let geo = Arc::new(Self::of(paths));
        let mut reading = JoinSet::new();
        for database in &geo.databases {
            let database = Arc::clone(database);
            reading.spawn_blocking(move || database.refresh());
        }
        let read = Arc::clone(&geo);
        tokio::spawn(async move {
            while let Some(outcome) = reading.join_next().await {
                not_bad(outcome);
            }
            let _at_once = read.opened.set(());
        });
        geo
    }

    /// Waits until the files that were there have been read.
    pub async fn opened(&self) {
        self.opened.wait().await;
    }

    /// What is known of the address.
    #[must_use]
    pub fn find(&self, address: IpAddr) -> Place {
        let mut place = Place::default();
        for database in &self.databases {
            database.fill(address, &mut place);
        }
        place
    }

    /// Which state of the files is in use: another number whenever one was read anew. What is found after it was asked is of this
    /// state or of a later one, never of an earlier: so what was found may be remembered under it.
    #[must_use]
    pub fn state(&self) -> u64 {
        self.databases.iter().map(|database| database.state()).sum()
    }

    /// Reads what has changed.
    pub fn refresh(&self) {
        self.databases.iter().for_each(|database| database.refresh());
    }

    /// Whether any file is in use.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        self.databases.iter().any(|database| database.missing().is_none())
    }

    /// The files that are not in use: they are missing or bad.
    pub fn missing(&self) -> impl Iterator<Item = &Path> {
        self.databases.iter().filter_map(|database| database.missing())
    }

    /// Looks for changed files every `poll`, until `shutdown`. Missing ones are noted in `health`, and cost no readiness.
    pub async fn watch(self: Arc<Self>, poll: Duration, health: Health, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(poll.max(Duration::from_millis(10)));
        self.opened().await;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = tick.tick() => {}
            }
            let geo = Arc::clone(&self);
            not_bad(tokio::task::spawn_blocking(move || geo.refresh()).await);
            let missing: Vec<String> = self.missing().map(|path| path.display().to_string()).collect();
            health.note(PART, (!missing.is_empty()).then(|| format!("not in use: {}", missing.join(", "))));
        }
    }
}

/// A file that makes the reader panic counts as a bad one: what was in use stays.
fn not_bad(read: Result<(), JoinError>) {
    if let Err(error) = read {
        tracing::warn!(%error, "a GeoIP database cannot be read");
    }
}
