//! An edge with nothing behind it: everything that a request meets is the real thing, up to the bytes that would be produced.

use super::{Front, Serving};
use crate::{
    admit::{Rates, accounts::Accounts},
    budget::Budget,
    collect::Collector,
    config::{EdgeConfig, MicroConfig},
    http::{Connections, Edge},
    keep::{Stamped, Writer},
    links::{self, Links, Redirects, Table, UnderWay},
    loader::Loader,
    micro::{InMemory, Store},
    outage::Outage,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tracker_geo::Geo;
use tracker_schemas::{Encoder, Topic};
use tracker_stream::{
    config::{Mistakes, Settings},
    process::Failure,
    telemetry::Health,
};

/// Serves until the shutdown. Nothing is left to be flushed then.
pub(super) async fn run(front: Front, most: MicroConfig, serving: Serving) -> Result<(), Failure> {
    let address = serving.listeners.main.local_addr();
    let address = address.map_or_else(|_| front.config.listen.to_string(), |address| address.to_string());
    let scheme = if front.config.tls.is_some() { "https" } else { "http" };
    let edge = Arc::new(build(front, most, &serving)?);
    tracing::info!(
        "no broker: what is sent to {scheme}://{address} stays in memory, and is shown at {scheme}://{address}/micro/all"
    );
    serving.serve(&edge).await;
    Ok(())
}

fn build(front: Front, most: MicroConfig, serving: &Serving) -> Result<Edge<InMemory>, Failure> {
    let Front { config, visits, redirects, keys, settings } = front;
    let store = Arc::new(Store::new(most));
    let names = Names::read(&settings)?;
    let links = Arc::new(Links::default());
    links.replace(Table::default()); // there are none yet, and all of them are known
    let writer = links::Writer {
        keep: InMemory::of_links(&store, Arc::clone(&links)),
        topic: names.of(Topic::Redirects),
        encoder: Encoder::single_object(),
        timeout: config.produce_timeout,
    };
    let collector = Collector {
        events: names.writer(&store, &config),
        payments: names.writer(&store, &config),
        agreements: names.writer(&store, &config),
        erasures: names.writer(&store, &config),
        rates: Rates::new(&config.rates),
        budget: Budget::new(config.inflight),
        keys,
        books: Arc::default(),
        micro: Some(store),
        config,
        geo: Geo::opening(&visits.geoip_city),
        visits,
    };
    let (under_way, accounts) = (UnderWay::default(), Accounts::default());
    Ok(Edge {
        redirects: Redirects { config: redirects, links, writer, under_way, accounts },
        health: Health::default(),
        loader: Loader::at(collector.config.load_url.clone())?,
        metrics: serving.rendered(),
        connections: Connections::new(collector.config.connection.most),
        sockets: Connections::new(collector.config.socket.most),
        collector,
    })
}

/// What the topics are called; the one thing that is asked of section `[kafka]`.
#[derive(Deserialize)]
struct Names {
    prefix: String,
}

impl Names {
    fn read(settings: &Settings) -> Result<Self, Mistakes> {
        settings.section("kafka")
    }

    fn of(&self, topic: Topic) -> Arc<str> {
        format!("{}{topic}", self.prefix).into()
    }

    fn writer<R: Stamped + Serialize + 'static>(
        &self,
        store: &Arc<Store>,
        config: &EdgeConfig,
    ) -> Writer<InMemory, R> {
        Writer {
            keep: InMemory::of::<R>(store),
            topic: self.of(R::TOPIC),
            encoder: Encoder::single_object(),
            timeout: config.produce_timeout,
            outage: Outage::new(R::TOPIC.name(), Health::default()),
        }
    }
}
