//! `/health`, `/ready`, `/status` and `/metrics` of the processors, and what one of them answers besides. The edge serves its own.

use super::Health;
use crate::fault::Fault;
use http_body_util::Full;
use hyper::{Method, Request, Response, StatusCode, body::Bytes, header, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;
use serde_json::json;
use std::{convert::Infallible, future::Future, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How often histograms are folded, so that they stay small when nobody reads them.
const UPKEEP: Duration = Duration::from_secs(5);

/// The pause after a connection that could not be taken.
const NO_FILES: Duration = Duration::from_millis(50);

/// What a process answers besides.
pub trait Extra: Send + Sync + 'static {
    /// The answer to a GET of `path`, whose header `Authorization` says `authorization`; `None`: there is no such path.
    fn get<'a>(
        &'a self,
        path: &'a str,
        authorization: Option<&'a str>,
    ) -> Pin<Box<dyn Future<Output = Option<Answer>> + Send + 'a>>;
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status of HTTP.
    pub status: u16,
    /// Type of the body.
    pub content_type: &'static str,
    /// Body.
    pub body: String,
}

impl Answer {
    /// One of JSON.
    #[must_use]
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        Self { status, content_type: "application/json", body: json!(body).to_string() }
    }

    /// Why there is none: a tag, and what to change.
    #[must_use]
    pub fn refusal(status: u16, error: &str, detail: &str) -> Self {
        Self::json(status, &json!({ "error": error, "detail": detail }))
    }
}

/// The first that knows the path answers.
impl<const N: usize> Extra for [Arc<dyn Extra>; N] {
    fn get<'a>(
        &'a self,
        path: &'a str,
        authorization: Option<&'a str>,
    ) -> Pin<Box<dyn Future<Output = Option<Answer>> + Send + 'a>> {
        Box::pin(async move {
            for extra in self {
                if let Some(answer) = extra.get(path, authorization).await {
                    return Some(answer);
                }
            }
            None
        })
    }
}

/// Nothing besides.
struct Nothing;

impl Extra for Nothing {
    fn get<'a>(
        &'a self,
        _: &'a str,
        _: Option<&'a str>,
    ) -> Pin<Box<dyn Future<Output = Option<Answer>> + Send + 'a>> {
        Box::pin(std::future::ready(None))
    }
}

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
    serve_with(listen, health, metrics, Arc::new(Nothing), shutdown).await
}

/// The same, and answers `extra` besides.
///
/// # Errors
/// As [`serve`].
pub async fn serve_with(
    listen: SocketAddr,
    health: Health,
    metrics: PrometheusHandle,
    extra: Arc<dyn Extra>,
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
                    let (health, metrics, extra) = (health.clone(), metrics.clone(), Arc::clone(&extra));
                    tokio::spawn(async move {
                        let answer = service_fn(|request| {
                            let (health, metrics, extra) = (health.clone(), metrics.clone(), Arc::clone(&extra));
                            async move {
                                let besides = besides(&request, &*extra).await;
                                Ok::<_, Infallible>(besides.unwrap_or_else(|| answer(&request, &health, &metrics)))
                            }
                        });
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

async fn besides<B>(request: &Request<B>, extra: &dyn Extra) -> Option<Response<Full<Bytes>>> {
    if request.method() != Method::GET {
        return None;
    }
    let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Answer { status, content_type, body } = extra.get(request.uri().path(), authorization).await?;
    Some(reply(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), content_type, body))
}

fn answer<B>(request: &Request<B>, health: &Health, metrics: &PrometheusHandle) -> Response<Full<Bytes>> {
    match request.uri().path() {
        "/health" => reply(StatusCode::OK, "text/plain", format!("ok\n{}", lines(health.notes()))),
        "/ready" => match health.ready() {
            Ok(()) => reply(StatusCode::OK, "text/plain", "ready\n".to_owned()),
            Err(failing) => reply(StatusCode::SERVICE_UNAVAILABLE, "text/plain", lines(failing)),
        },
        "/status" => reply(StatusCode::OK, "application/json", health.status().to_string()),
        "/metrics" => reply(StatusCode::OK, "text/plain; version=0.0.4", metrics.render()),
        _ => {
            let here = "here are /health, /ready, /status and /metrics\n";
            reply(StatusCode::NOT_FOUND, "text/plain", here.to_owned())
        }
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
