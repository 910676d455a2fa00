//! The metrics of the edge, named in this one place. Labels are routes, reasons and statuses, never what was sent.
#![expect(clippy::disallowed_macros, reason = "this is the replacement that the ban names")]

use crate::answer::{Denied, Ended, Taken};
use metrics::{counter, gauge, histogram};
use std::time::Duration;

/// Counts what a request carried and how each ended. The books close: `received` is the sum of `accepted`, `refused`
/// and `faulted`. A request that was turned away before its events were known counts as one, and one that was
/// limited as none.
pub(crate) fn taken(route: &'static str, taken: &Result<Taken, Denied>) {
    match taken {
        Ok(taken) => taken.fates.iter().for_each(|fate| match fate {
            Ended::Kept(_) => accepted(route),
            Ended::Refused(refusal) => refused(route, refusal.reason),
            Ended::Unkept(fault) => faulted(route, fault.tag),
        }),
        Err(Denied::Refused(refusal)) => refused(route, refusal.reason),
        Err(Denied::Items { wrong, .. }) => wrong.iter().for_each(|one| refused(route, one.reason)),
        Err(Denied::Unkept(fault)) => faulted(route, fault.tag),
        Err(Denied::Limited(_)) => counter!("tracker_edge_limited_total", "route" => route).increment(1),
    }
}

fn accepted(route: &'static str) {
    counter!("tracker_edge_received_total", "route" => route).increment(1);
    counter!("tracker_edge_accepted_total", "route" => route).increment(1);
}

fn refused(route: &'static str, reason: &'static str) {
    counter!("tracker_edge_received_total", "route" => route).increment(1);
    counter!("tracker_edge_refused_total", "route" => route, "reason" => reason).increment(1);
}

fn faulted(route: &'static str, fault: &'static str) {
    counter!("tracker_edge_received_total", "route" => route).increment(1);
    counter!("tracker_edge_faulted_total", "route" => route, "fault" => fault).increment(1);
}

/// A request was answered.
pub(crate) fn answered(route: &'static str, status: u16, took: Duration) {
    let status = status.to_string();
    counter!("tracker_edge_requests_total", "route" => route, "status" => status).increment(1);
    histogram!("tracker_edge_request_seconds", "route" => route).record(took.as_secs_f64());
}

/// A connection was closed because its request's head did not arrive in time.
pub(crate) fn slow_head() {
    counter!("tracker_edge_slow_heads_total").increment(1);
}

/// A connection was turned away because there were too many.
pub(crate) fn connection_refused() {
    counter!("tracker_edge_connections_refused_total").increment(1);
}

/// What the process holds just now; told whenever the metrics are read.
pub(crate) fn holding(connections: usize, body_bytes: usize, senders: usize) {
    gauge!("tracker_edge_connections").set(connections as f64);
    gauge!("tracker_edge_inflight_bytes").set(body_bytes as f64);
    gauge!("tracker_edge_limited_senders").set(senders as f64);
}
