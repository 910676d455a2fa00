//! Logs, metrics, health: the same for every binary.

mod health;
mod http;
mod logs;
pub mod trace;

pub use health::Health;
pub use http::{Answer, Extra, serve, serve_with};
pub use logs::{LogConfig, LogFormat, logs};

use crate::fault::Fault;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Bounds of the histograms of durations, seconds.
const SECONDS: &[f64] =
    &[0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// Bounds of the histograms of batch sizes, rows.
const ROWS: &[f64] = &[1.0, 10.0, 100.0, 1_000.0, 5_000.0, 10_000.0, 25_000.0, 50_000.0, 100_000.0];

/// Exit code of a process that was told twice to end: what a shell says of one that died of SIGINT.
const SIGNALLED: i32 = 130;

/// Starts the metrics of this process and returns what renders them in Prometheus' text format.
///
/// # Errors
/// When they were started already.
pub fn metrics() -> Result<PrometheusHandle, Fault> {
    let fault = |error: metrics_exporter_prometheus::BuildError| Fault::new("metrics", error.to_string());
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_rows".to_owned()), ROWS))
        .map_err(fault)?
        .install_recorder()
        .map_err(fault)
}

/// Cancelled on SIGTERM and on SIGINT.
///
/// # Errors
/// When the signals cannot be listened to.
pub fn shutdown_signal() -> Result<CancellationToken, Fault> {
    let fault = |error: std::io::Error| Fault::new("signals", error.to_string());
    let mut terminate = signal(SignalKind::terminate()).map_err(fault)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(fault)?;
    let token = CancellationToken::new();
    let cancel = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: draining"),
            _ = interrupt.recv() => tracing::info!("SIGINT: draining"),
        }
        cancel.cancel();
        // Whoever presses Ctrl-C now does not want to wait. A further SIGTERM is no such wish: supervisors repeat it.
        let _asked = interrupt.recv().await;
        tracing::warn!("SIGINT: ending at once; what is not done yet is read again at the next start");
        std::process::exit(SIGNALLED);
    });
    Ok(token)
}
