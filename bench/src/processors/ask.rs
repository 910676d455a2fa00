//! One question over HTTP: to ClickHouse, to the metrics of a program, to the edge.

use crate::site::Site;
use bytes::Bytes;
use http::{Request, request::Builder};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::{fmt::Display, time::Duration};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep},
};
use tracker_cli::Failure;
use tracker_processors::clickhouse::ClickHouseConfig;
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

/// What a program says of one of its lanes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Messages that have their fate.
    pub settled: f64,
    /// Bytes of the ids that it remembers.
    pub window: f64,
}

/// How far a lane is, by the metrics of its program.
///
/// # Errors
/// As [`ask`].
pub async fn standing(port: u16, lane: &str) -> Result<Standing, Failure> {
    let body = ask(port, Request::get("/metrics"), Bytes::new()).await?;
    Ok(standing_in(&String::from_utf8_lossy(&body), lane))
}

fn standing_in(metrics: &str, lane: &str) -> Standing {
    let of_lane = format!("lane=\"{lane}\"");
    let sum = |name: &str| {
        let samples = metrics.lines().filter_map(|line| line.strip_prefix(name));
        let samples = samples.filter(|rest| rest.starts_with('{') && rest.contains(&of_lane));
        samples.filter_map(|rest| rest.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    };
    Standing { settled: sum("tracker_lane_settled_total"), window: sum("tracker_lane_window_bytes") }
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

/// Rows of a site's `events`.
///
/// # Errors
/// As [`number`].
pub async fn rows(site: &Site) -> Result<f64, Failure> {
    number(site, &format!("SELECT count() FROM {}.events", database(site)?)).await
}

/// Waits until a site's `events` have so many rows.
///
/// # Errors
/// Rows that do not come.
pub async fn stored(site: &Site, wanted: f64) -> Result<(), Failure> {
    const LOOK: Duration = Duration::from_millis(100);
    const PATIENCE: Duration = Duration::from_secs(120);
    let began = Instant::now();
    while rows(site).await? < wanted {
        if began.elapsed() > PATIENCE {
            return Err(failed(format!(
                "{} of {wanted} rows were stored in {PATIENCE:?}",
                rows(site).await?
            )));
        }
        sleep(LOOK).await;
    }
    Ok(())
}

/// Bytes that a site's ClickHouse has been sent so far.
///
/// # Errors
/// As [`number`].
pub async fn received(site: &Site) -> Result<f64, Failure> {
    number(site, "SELECT sum(value) FROM system.events WHERE event = 'NetworkReceiveBytes'").await
}

/// The name of a site's database.
///
/// # Errors
/// None for the bench's own settings.
pub fn database(site: &Site) -> Result<String, Failure> {
    Ok(ClickHouseConfig::read(&site.settings)?.database)
}

/// Drops a site's database: what was measured in it is known.
///
/// # Errors
/// As [`sql`].
pub async fn forget(site: &Site) -> Result<(), Failure> {
    sql(site, &format!("DROP DATABASE {} SYNC", database(site)?)).await.map(drop)
}

/// The port of a site's ClickHouse.
///
/// # Errors
/// A site without one.
pub async fn port(site: &Site) -> Result<u16, Failure> {
    let database = site.ground.database.as_ref().ok_or_else(|| failed("the site has no database"))?;
    let url = database.lock().await.url();
    url.rsplit(':').next().and_then(|port| port.trim_end_matches('/').parse().ok()).ok_or_else(|| failed(url))
}

/// A measurement that cannot be made.
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
            tracker_lane_window_bytes{lane=\"enrich\",partition=\"0\"} 64\n\
            tracker_lane_window_bytes{lane=\"enrich\",partition=\"1\"} 36\n\
            tracker_lane_received_total{lane=\"enrich\"} 8\n";
        assert_eq!(standing_in(metrics, "enrich"), Standing { settled: 7.0, window: 100.0 });
    }
}
