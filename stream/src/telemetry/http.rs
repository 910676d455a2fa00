//! `/health`, `/ready` and `/metrics` of the processors. The edge serves its own.

use super::Health;
use crate::fault::Fault;
use http_body_util::Full;
use hyper::{Request, Response, StatusCode, body::Bytes, header, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::PrometheusHandle;
use std::{convert::Infallible, net::SocketAddr, time::Duration};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How often histograms are folded, so that they stay small when nobody reads them.
const UPKEEP: Duration = Duration::from_secs(5);

/// The pause after a connection that could not be taken.
const NO_FILES: Duration = Duration::from_millis(50);

/// Serves until `shutdown`. Returns once it listens, with the address.
///
/// # Errors
/// When the address cannot be bound.
pub async fn serve(
    listen: SocketAddr,
    health: Health,
    metrics: PrometheusHandle,
    shutdown: CancellationToken,
) -> Result<SocketAddr, Fault> {
    let busy = |error: std::io::Error| {
        Fault::new("listen", format!("cannot listen on {listen}: {error}; set another `listen` address"))
    };
    let listener = TcpListener::bind(listen).await.map_err(busy)?;
    let address = listener.local_addr().map_err(busy)?;
    tokio::spawn(async move {
        let mut upkeep = tokio::time::interval(UPKEEP);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = upkeep.tick() => metrics.run_upkeep(),
                accepted = listener.accept() => {
                    let Ok((stream, _)) = accepted else {
                        tokio::time::sleep(NO_FILES).await; // it fails at once, and for as long as there are none
                        continue;
                    };
                    let (health, metrics) = (health.clone(), metrics.clone());
                    tokio::spawn(async move {
                        let answer = service_fn(async |request| Ok::<_, Infallible>(answer(&request, &health, &metrics)));
                        // A scraper that goes away in the middle is no concern of ours.
                        let _closed = hyper::server::conn::http1::Builder::new()
                            .timer(TokioTimer::new())
                            .serve_connection(TokioIo::new(stream), answer)
                            .await;
                    });
                }
            }
        }
    });
    Ok(address)
}

fn answer<B>(request: &Request<B>, health: &Health, metrics: &PrometheusHandle) -> Response<Full<Bytes>> {
    match request.uri().path() {
        "/health" => reply(StatusCode::OK, "text/plain", format!("ok\n{}", lines(health.notes()))),
        "/ready" => match health.ready() {
            Ok(()) => reply(StatusCode::OK, "text/plain", "ready\n".to_owned()),
            Err(failing) => reply(StatusCode::SERVICE_UNAVAILABLE, "text/plain", lines(failing)),
        },
        "/metrics" => reply(StatusCode::OK, "text/plain; version=0.0.4", metrics.render()),
        _ => reply(StatusCode::NOT_FOUND, "text/plain", "here are /health, /ready and /metrics\n".to_owned()),
    }
}

/// One part a line.
fn lines(parts: Vec<(&'static str, String)>) -> String {
    parts.iter().map(|(part, why)| format!("{part}: {why}\n")).collect()
}

fn reply(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}
