//! The metrics of the edge, named in this one place. Labels are routes, reasons and statuses, never what was sent.
#![expect(clippy::disallowed_macros, reason = "this is the replacement that the ban names")]

use crate::{
    answer::{Denied, Ended, Taken},
    spool::{Depth, Kind},
};
use metrics::{Counter, Histogram, counter, gauge, histogram};
use std::{cell::RefCell, collections::HashMap, time::Duration};

/// Counts what a request carried and how each ended. The books close: `received` is the sum of `accepted`, `refused`
/// and `faulted`. A request that was turned away before its events were known counts as one, and one that was
/// limited as none.
pub(crate) fn taken(route: &'static str, taken: &Result<Taken, Denied>) {
    match taken {
        Ok(taken) => {
            // Most are: counted at once, for to find a counter costs more than to count.
            accepted(route, taken.fates.iter().filter(|fate| matches!(fate, Ended::Kept(_))).count());
            taken.fates.iter().for_each(|fate| match fate {
                Ended::Kept(_) => {}
                Ended::Refused(refusal) => refused(route, refusal.reason),
                Ended::Unkept(fault) => faulted(route, fault.tag),
            });
        }
        Err(Denied::Refused(refusal)) => refused(route, refusal.reason),
        Err(Denied::Items { wrong, .. }) => wrong.iter().for_each(|one| refused(route, one.reason)),
        Err(Denied::Unkept(fault)) => faulted(route, fault.tag),
        Err(Denied::Limited(_)) => counter!("tracker_edge_limited_total", "route" => route).increment(1),
    }
}

/// What is counted for nearly every request.
struct Usual {
    received: Counter,
    accepted: Counter,
    answered: Counter,
    seconds: Histogram,
}

thread_local! {
    /// By route, found once: to find a counter takes a hash, a lock and memory, each time, and to count takes an addition. Nine of
    /// those for each request were 4 % of what an event cost that came alone.
    static USUAL: RefCell<HashMap<&'static str, Usual>> = RefCell::default();
}

impl Usual {
    fn of(route: &'static str) -> Self {
        Self {
            received: counter!("tracker_edge_received_total", "route" => route),
            accepted: counter!("tracker_edge_accepted_total", "route" => route),
            answered: counter!("tracker_edge_requests_total", "route" => route, "status" => "200"),
            seconds: histogram!("tracker_edge_request_seconds", "route" => route),
        }
    }

    fn count(route: &'static str, count: impl FnOnce(&Self)) {
        USUAL.with_borrow_mut(|all| count(all.entry(route).or_insert_with(|| Self::of(route))));
    }
}

fn accepted(route: &'static str, events: usize) {
    Usual::count(route, |usual| {
        usual.received.increment(events as u64);
        usual.accepted.increment(events as u64);
    });
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
    Usual::count(route, |usual| {
        usual.seconds.record(took.as_secs_f64());
        if status == 200 {
            usual.answered.increment(1);
        }
    });
    if status != 200 {
        let status = status.to_string();
        counter!("tracker_edge_requests_total", "route" => route, "status" => status).increment(1);
    }
}

/// An answer was an error, whatever had been asked.
pub(crate) fn denied(error: &'static str) {
    counter!("tracker_edge_errors_total", "error" => error).increment(1);
}

/// A connection was closed because its request's head did not arrive in time.
pub(crate) fn slow_head() {
    counter!("tracker_edge_slow_heads_total").increment(1);
}

/// A connection was turned away because there were too many.
pub(crate) fn connection_refused() {
    counter!("tracker_edge_connections_refused_total").increment(1);
}

/// A connection was cut for what its client did.
pub(crate) fn connection_cut(reason: &'static str) {
    counter!("tracker_edge_connections_cut_total", "reason" => reason).increment(1);
}

/// A WebSocket was closed, for this reason.
pub(crate) fn socket_closed(reason: &'static str) {
    counter!("tracker_edge_sockets_closed_total", "reason" => reason).increment(1);
}

/// The WebSockets that are open just now; told whenever the metrics are read.
pub(crate) fn sockets(open: usize) {
    gauge!("tracker_edge_sockets").set(open as f64);
}

/// A TLS handshake ended: in a version, or in nothing.
pub(crate) fn handshake(outcome: &'static str) {
    counter!("tracker_edge_tls_handshakes_total", "outcome" => outcome).increment(1);
}

/// An order of a certificate ended.
pub(crate) fn certificate(outcome: &'static str) {
    counter!("tracker_edge_certificates_total", "outcome" => outcome).increment(1);
}

/// What the process holds just now; told whenever the metrics are read.
pub(crate) fn holding(connections: usize, body_bytes: usize, senders: usize) {
    gauge!("tracker_edge_connections").set(connections as f64);
    gauge!("tracker_edge_inflight_bytes").set(body_bytes as f64);
    gauge!("tracker_edge_limited_senders").set(senders as f64);
}

/// What a spool holds just now; told whenever the metrics are read.
pub(crate) fn spool(kind: Kind, depth: &Depth, now_ms: i64) {
    let spool = kind.name();
    gauge!("tracker_spool_messages", "spool" => spool).set(depth.messages as f64);
    gauge!("tracker_spool_bytes", "spool" => spool).set(depth.bytes as f64);
    gauge!("tracker_spool_oldest_age_seconds", "spool" => spool).set(depth.oldest_age(now_ms).as_secs_f64());
    gauge!("tracker_spool_full", "spool" => spool).set(if depth.full { 1.0 } else { 0.0 });
}

/// A group was written to disk, fsync included.
pub(crate) fn spool_wrote(kind: Kind, took: Duration) {
    histogram!("tracker_spool_fsync_seconds", "spool" => kind.name()).record(took.as_secs_f64());
}

/// Messages are safe in the spool.
pub(crate) fn spooled(kind: Kind, messages: usize) {
    counter!("tracker_spool_spooled_total", "spool" => kind.name()).increment(messages as u64);
}

/// Messages were not taken by the spool.
pub(crate) fn spool_refused(kind: Kind, fault: &'static str, messages: usize) {
    counter!("tracker_spool_refused_total", "spool" => kind.name(), "fault" => fault)
        .increment(messages as u64);
}

/// Messages of the spool are with the broker.
pub(crate) fn drained(kind: Kind, messages: usize) {
    counter!("tracker_spool_drained_total", "spool" => kind.name()).increment(messages as u64);
}

/// A spool was opened: what has not happened yet is told as 0, so that its first time is seen.
pub(crate) fn spool_opened(kind: Kind) {
    counter!("tracker_spool_spooled_total", "spool" => kind.name()).increment(0);
    counter!("tracker_spool_drained_total", "spool" => kind.name()).increment(0);
    counter!("tracker_spool_damaged_total", "spool" => kind.name()).increment(0);
}

/// Bytes of the spool cannot be read.
pub(crate) fn spool_damaged(kind: Kind, bytes: usize) {
    counter!("tracker_spool_damaged_total", "spool" => kind.name()).increment(1);
    counter!("tracker_spool_damaged_bytes_total", "spool" => kind.name()).increment(bytes as u64);
}
