//! From a state and the settings to a replay that can run.

use super::{
    Erased, Filter, Live, Mode, Outlet, Pace, Records, Replay, ReplayConfig, State, Store, order::Where,
};
use crate::clickhouse::{ClickHouseConfig, Client, schema};
use std::time::Duration;
use tokio::time::Instant;
use tracker_stream::{
    config::{Settings, Size},
    kafka::{Producer, ProducerOptions},
    process::Failure,
    telemetry::Health,
};

/// What a replay is made of.
pub struct Opening<'a> {
    /// The settings of the site.
    pub settings: &'a Settings,
    /// Section `[replay]` of them.
    pub config: &'a ReplayConfig,
    /// How far it has come.
    pub state: State,
    /// Whether anything is written.
    pub mode: Mode,
    /// Messages a second that the operator allows.
    pub rate: Option<f64>,
    /// Which messages are wanted.
    pub filter: Filter,
}

/// How the producer into a topic works: its messages are tried for as long as the operator waits.
const PRODUCER: ProducerOptions = ProducerOptions {
    name: "replay",
    linger: Duration::from_millis(20),
    timeout: Duration::from_secs(60),
    buffer: Size(64 << 20),
};

impl Replay {
    /// Opens what it reads from and goes to. A shadow is made, where it is not there yet.
    ///
    /// # Errors
    /// Wrong settings; a broker, a registry or a database that does not answer.
    pub async fn open(opening: Opening<'_>) -> Result<Self, Failure> {
        let Opening { settings, config, state, mode, rate, filter } = opening;
        let (kafka, topic) = (settings.kafka()?, state.order.topic);
        let client = client(settings, &state.database)?;
        let is_new = matches!(mode, Mode::Dry) && state.order.into == Where::Shadow;
        let store = if is_new { None } else { Some(Store::open(client.clone(), topic, settings).await?) };
        let outlet = match (&mode, state.order.into, store) {
            (Mode::Real(_), Where::Table, Some(store)) => Outlet::Table(store),
            (Mode::Real(_), Where::Shadow, Some(store)) => {
                schema::apply(&client).await?;
                Outlet::Table(store)
            }
            (Mode::Real(_), Where::Topic, Some(store)) => {
                let producer = Producer::start(&kafka, &PRODUCER, &Health::default())?;
                Outlet::Topic { store, producer, id: state.id.clone() }
            }
            (_, _, store) => Outlet::Nowhere(store),
        };
        Ok(Self {
            records: Records::of(topic, settings).await?,
            erased: Erased::read(settings).await?,
            pace: Pace::new(config.block_every, rate, Instant::now()),
            live: Live::at(&kafka, config, rate)?,
            state,
            mode,
            kafka,
            filter,
            outlet,
        })
    }
}

/// A client of that database on the server that the settings name.
pub(super) fn client(settings: &Settings, database: &str) -> Result<Client, Failure> {
    let mut config = ClickHouseConfig::read(settings)?;
    database.clone_into(&mut config.database);
    Ok(Client::new(&config)?.giving_way())
}
