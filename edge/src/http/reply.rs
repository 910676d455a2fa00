//! From an answer to HTTP.

use crate::{
    admit::{Limited, whole_seconds},
    answer::{Answer, Denied, Foreign, Rejected, Said, UNKEPT},
    budget::Budget,
    metrics, reason,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use std::time::Duration;
use tracker_stream::{
    fault::{Fault, Refusal},
    kafka::QUEUE_FULL,
};
use warp::reply::{Reply, Response};

/// The smallest image there is: a transparent GIF of one pixel, to the byte as clients have always got it.
pub const PIXEL: [u8; 35] = *b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";

/// How long to wait before the same is sent again: a full buffer drains in moments, a broker takes longer.
const MOMENT: Duration = Duration::from_secs(1);
const WHILE: Duration = Duration::from_secs(5);

/// The answer to a request that records.
#[must_use]
pub fn outcome(said: Said) -> Response {
    let mut response = match said.outcome {
        Ok(Answer::Empty) => StatusCode::OK.into_response(),
        Ok(answer @ Answer::Requested { .. }) => json(StatusCode::ACCEPTED, &answer),
        Ok(Answer::Foreign(Foreign::Plausible)) => text(StatusCode::ACCEPTED, "ok".to_owned()),
        Ok(Answer::Foreign(Foreign::Google)) => StatusCode::NO_CONTENT.into_response(),
        Ok(answer) => json(StatusCode::OK, &answer),
        Err(denied) => {
            tracing::debug!(reason = denied.tag(), "no success");
            self::denied(&denied)
        }
    };
    response.headers_mut().extend(said.headers);
    response
}

fn denied(denied: &Denied) -> Response {
    match denied {
        Denied::Refused(refusal) => refused(refusal),
        Denied::Items { of, wrong } => items(*of, wrong, denied.tag()),
        Denied::Limited(limited) => too_many(limited),
        Denied::Unkept(fault) => unkept(fault),
    }
}

/// The image, whatever happened: a broken image in an e-mail helps nobody.
#[must_use]
pub fn pixel(headers: HeaderMap) -> Response {
    let mut response = PIXEL.to_vec().into_response();
    response.headers_mut().extend(headers);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("image/gif"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// JSON with a status.
#[must_use]
pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let mut response = warp::reply::json(body).into_response();
    *response.status_mut() = status;
    response
}

/// The error body of a refusal, under its reason's status.
#[must_use]
pub fn refused(refusal: &Refusal) -> Response {
    Error { error: refusal.reason, detail: &refusal.detail, rejected: &[] }.reply(reason::status(refusal))
}

/// The error body of a fault that keeps a question from its answer.
#[must_use]
pub fn unavailable(fault: &Fault) -> Response {
    later(fault.tag, &fault.detail, WHILE)
}

/// Plain text.
#[must_use]
pub fn text(status: StatusCode, body: String) -> Response {
    warp::reply::with_status(body, status).into_response()
}

/// The body of every answer that is no success.
#[derive(Serialize)]
struct Error<'a> {
    error: &'static str,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    rejected: &'a [Rejected],
}

impl Error<'_> {
    fn reply(&self, status: u16) -> Response {
        metrics::denied(self.error);
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = json(status, self);
        let headers = response.headers_mut();
        match status {
            // What is left of the body is not read: the connection cannot go on.
            StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            // What would have been a handshake.
            StatusCode::UPGRADE_REQUIRED => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
                headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
                headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            }
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}

/// One item: its own error. Of several: each that is wrong, as none was kept.
fn items(of: usize, wrong: &[Rejected], tag: &'static str) -> Response {
    let status = reason::of(tag).map_or(400, |reason| reason.status);
    let together = format!("{} of {of} are wrong, so none was kept: correct them and send all", wrong.len());
    match wrong {
        [one] if of == 1 => Error { error: tag, detail: &one.detail, rejected: &[] }.reply(status),
        _ => Error { error: tag, detail: &together, rejected: wrong }.reply(status),
    }
}

/// What is left of the rate is said beside every answer; when to come back, only here.
fn too_many(limited: &Limited) -> Response {
    let detail = "too much was sent from this address or with this key; wait as long as Retry-After says";
    let mut response = refused(&reason::RATE_LIMITED.refuse(detail));
    response.headers_mut().insert(header::RETRY_AFTER, whole_seconds(limited.wait));
    response
}

fn unkept(fault: &Fault) -> Response {
    let wait = if matches!(fault.tag, QUEUE_FULL | Budget::FULL) { MOMENT } else { WHILE };
    later(fault.tag, UNKEPT, wait)
}

/// What was asked for cannot be looked up just now. Why it cannot is the operator's concern.
#[must_use]
pub fn unanswered(fault: &Fault) -> Response {
    later(fault.tag, "it cannot be looked up just now; ask again", WHILE)
}

fn later(error: &'static str, detail: &str, wait: Duration) -> Response {
    let mut response = Error { error, detail, rejected: &[] }.reply(503);
    response.headers_mut().insert(header::RETRY_AFTER, whole_seconds(wait));
    response
}
