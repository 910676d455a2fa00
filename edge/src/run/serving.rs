//! What every edge does while it serves, whatever stands behind it.

use super::Listeners;
use crate::{
    collect::Collector,
    http::{self, Doors, Edge, Tls, Upkeep},
    keep::Keep,
};
use metrics_exporter_prometheus::PrometheusHandle;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// Renders the metrics.
pub(super) type Rendered = Box<dyn Fn() -> String + Send + Sync>;

/// How often what only grows is made small again: histograms that nobody reads, senders that owe nothing.
const UPKEEP: Duration = Duration::from_secs(10);

/// Where an edge serves, and until when.
pub(super) struct Serving {
    pub(super) listeners: Listeners,
    pub(super) tls: Option<(Tls, Upkeep)>,
    pub(super) metrics: PrometheusHandle,
    pub(super) shutdown: CancellationToken,
}

impl Serving {
    pub(super) fn rendered(&self) -> Rendered {
        let metrics = self.metrics.clone();
        Box::new(move || metrics.render())
    }

    /// Serves until the shutdown, and until nobody waits for an answer any more.
    pub(super) async fn serve<K: Keep>(self, edge: &Arc<Edge<K>>) {
        let Self { listeners, tls, metrics, shutdown } = self;
        let (tls, upkeep) = tls.unzip();
        if let Some(upkeep) = upkeep {
            tokio::spawn(upkeep.run(shutdown.clone()));
        }
        let (watched, ending) = (Arc::clone(edge), shutdown.clone());
        tokio::spawn(async move { watched.collector.keys.watch(ending).await });
        let Collector { geo, visits, .. } = &edge.collector;
        geo.opened().await; // which consent counts depends on where a visitor is
        for missing in geo.missing() {
            tracing::warn!(file = %missing.display(), "no GeoIP database here: what it would know of consent is unknown");
        }
        tokio::spawn(Arc::clone(geo).watch(visits.geoip_poll, edge.health.clone(), shutdown.clone()));
        tokio::spawn(sweep(Arc::clone(edge), metrics, shutdown.clone()));
        let doors = Doors { main: listeners.main, tls: tls.map(Arc::new), redirect: listeners.redirect };
        http::serve(doors, edge, shutdown).await;
        edge.redirects.under_way.end(edge.collector.config.produce_timeout).await;
    }
}

async fn sweep<K: Keep>(edge: Arc<Edge<K>>, metrics: PrometheusHandle, ending: CancellationToken) {
    let collector = &edge.collector;
    while ending.run_until_cancelled(tokio::time::sleep(UPKEEP)).await.is_some() {
        metrics.run_upkeep();
        collector.rates.sweep();
        edge.redirects.accounts.sweep();
        collector.events.outage.lapse(Instant::now());
        collector.payments.outage.lapse(Instant::now());
        collector.agreements.outage.lapse(Instant::now());
        collector.erasures.outage.lapse(Instant::now());
        if collector.micro.is_some() {
            collector.books.bound(); // nobody sends them
        }
    }
}
