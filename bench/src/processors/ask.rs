//! One question over HTTP: to ClickHouse, to the metrics of a program, to the edge.

use crate::site::Site;
use bytes::Bytes;
use http::{Request, request::Builder};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::fmt::Display;
use tokio::net::TcpStream;
use tracker_cli::Failure;
use tracker_stream::fault::Fault;

/// The body of the answer, which has to be 200.
///
/// # Errors
/// Nobody who answers, or another answer.
pub async fn ask(port: u16, request: Builder, body: Bytes) -> Result<Bytes, Failure> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.map_err(failed)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    tokio::spawn(connection);
    let request = request.header("host", "127.0.0.1").body(Full::new(body)).map_err(failed)?;
    let answer = sender.send_request(request).await.map_err(failed)?;
    let status = answer.status();
    let body = answer.into_body().collect().await.map_err(failed)?.to_bytes();
    if status == 200 {
        return Ok(body);
    }
    let told = String::from_utf8_lossy(body.get(..body.len().min(300)).unwrap_or_default());
    Err(failed(format!("{status}: {told}")))
}

/// How many messages a lane has given their fate, by the metrics of its program.
///
/// # Errors
/// As [`ask`].
pub async fn settled(port: u16, lane: &str) -> Result<f64, Failure> {
    let body = ask(port, Request::get("/metrics"), Bytes::new()).await?;
    Ok(settled_in(&String::from_utf8_lossy(&body), lane))
}

fn settled_in(metrics: &str, lane: &str) -> f64 {
    let of_lane = format!("lane=\"{lane}\"");
    let lines = metrics
        .lines()
        .filter(|line| line.starts_with("tracker_lane_settled_total{") && line.contains(&of_lane));
    lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
}

/// What a site's ClickHouse answers, without the end of the line.
///
/// # Errors
/// No database, or one that refuses.
pub async fn sql(site: &Site, query: &str) -> Result<String, Failure> {
    let answer = ask(port(site).await?, Request::post("/"), Bytes::from(query.to_owned())).await?;
    Ok(String::from_utf8_lossy(&answer).trim_end().to_owned())
}

/// A number that it answers.
///
/// # Errors
/// As [`sql`]; an answer that is none.
pub async fn number(site: &Site, query: &str) -> Result<f64, Failure> {
    sql(site, query).await?.parse().map_err(failed)
}

/// The port of a site's ClickHouse.
///
/// # Errors
/// A site without one.
pub async fn port(site: &Site) -> Result<u16, Failure> {
    let database = site.database.as_ref().ok_or_else(|| failed("the site has no database"))?;
    let url = database.lock().await.url();
    url.rsplit(':').next().and_then(|port| port.trim_end_matches('/').parse().ok()).ok_or_else(|| failed(url))
}

pub fn failed(error: impl Display) -> Failure {
    Fault::new("bench", error.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fates_of_one_lane_are_added_up() {
        let metrics = "# TYPE tracker_lane_settled_total counter\n\
            tracker_lane_settled_total{lane=\"enrich\",fate=\"delivered\",reason=\"\"} 5\n\
            tracker_lane_settled_total{lane=\"enrich\",fate=\"dropped\",reason=\"duplicate\"} 2\n\
            tracker_lane_settled_total{lane=\"enrich.other\",fate=\"delivered\",reason=\"\"} 9\n\
            tracker_lane_received_total{lane=\"enrich\"} 8\n";
        assert_eq!(settled_in(metrics, "enrich"), 7.0);
    }
}
