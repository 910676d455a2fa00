//! What ClickHouse is asked.

use super::{Entry, Flaw, LANES, Rows, Span};
use crate::clickhouse::Client;
use serde::Deserialize;
use tracker_schemas::Topic;
use tracker_stream::fault::Fault;

/// Up to which offset a lane's pages reach.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Position {
    pub(super) lane: String,
    pub(super) partition: i32,
    pub(super) last: i64,
}

/// Pages are asked for by when they were written: none is written before the minutes that it tells of, by clocks that
/// agree this far.
const SKEW_MS: i64 = 10 * 60 * 1000;
/// How far back the last page of a partition is looked for: as long as the topic keeps pages.
const LOOK_BACK_MS: i64 = 7 * 24 * 60 * 60 * 1000;

const POSITIONS: &str = "
    SELECT page.lane AS lane, assumeNotNull(page.partition) AS partition, max(assumeNotNull(page.last)) AS last
    FROM ledger AS page
    WHERE page.process != 'edge' AND page.written_at >= fromUnixTimestamp64Milli({from:Int64})
    GROUP BY page.lane, page.partition";

pub(super) async fn positions(client: &Client, span: &Span) -> Result<Vec<Position>, Fault> {
    let from = span.from_ms.saturating_sub(LOOK_BACK_MS).max(0).to_string();
    client.rows(POSITIONS, &[("from", &from)]).await
}

const ENTRIES: &str = "
    SELECT process, lane, topic, toUnixTimestamp64Milli(minute) AS minute_ms, fate, reason, toUInt64(sum(count)) AS count
    FROM ledger FINAL ARRAY JOIN minutes AS minute, fates AS fate, reasons AS reason, counts AS count
    WHERE written_at >= fromUnixTimestamp64Milli({written:Int64})
        AND minute >= fromUnixTimestamp64Milli({from:Int64}) AND minute < fromUnixTimestamp64Milli({to:Int64})
    GROUP BY process, lane, topic, minute, fate, reason
    ORDER BY minute, process, lane, topic, fate, reason";

pub(super) async fn entries(client: &Client, span: &Span) -> Result<Vec<Entry>, Fault> {
    let [written, from, to] = bounds(span);
    client.rows(ENTRIES, &[("written", &written), ("from", &from), ("to", &to)]).await
}

/// Pages of one lane and partition, in order of their offsets: each against the one before it, and against its own
/// length. Only on topics that nobody writes in transactions all the time can a missing offset be told from a marker.
const FLAWS: &str = "
    WITH pages AS (
        SELECT page.lane AS lane, page.topic AS topic, assumeNotNull(page.partition) AS partition,
            assumeNotNull(page.first) AS first, assumeNotNull(page.last) AS last,
            toUInt64(arraySum(page.counts)) AS counted,
            toUnixTimestamp64Milli(arrayMin(page.minutes)) AS minute_ms,
            max(assumeNotNull(page.last)) OVER (PARTITION BY page.lane, page.topic, page.partition
                ORDER BY page.first, page.last ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before,
            row_number() OVER (PARTITION BY page.lane, page.topic, page.partition ORDER BY page.first, page.last) AS place
        FROM ledger AS page FINAL
        WHERE page.process != 'edge' AND notEmpty(page.counts)
            AND page.written_at >= fromUnixTimestamp64Milli({written:Int64})
    )
    SELECT * FROM (
    SELECT lane, topic, partition, minute_ms, pages.first AS first, least(pages.last, before) AS last,
        toUInt64(0) AS counted, true AS overlap
    FROM pages WHERE place > 1 AND before >= pages.first
    UNION ALL
    SELECT lane, topic, partition, minute_ms, before + 1 AS first, pages.first - 1 AS last,
        toUInt64(0) AS counted, false AS overlap
    FROM pages WHERE place > 1 AND before + 1 < pages.first AND topic IN ('events', 'payments', 'agreements')
    UNION ALL
    SELECT lane, topic, partition, minute_ms, pages.first AS first, pages.last AS last, pages.counted AS counted, false AS overlap
    FROM pages
    WHERE pages.counted > pages.last - pages.first + 1
        OR (pages.counted < pages.last - pages.first + 1 AND topic IN ('events', 'payments', 'agreements'))
    )
    WHERE minute_ms >= {from:Int64} AND minute_ms < {to:Int64}
    ORDER BY minute_ms, lane, partition, first";

pub(super) async fn flaws(client: &Client, span: &Span) -> Result<Vec<Flaw>, Fault> {
    let [written, from, to] = bounds(span);
    client.rows(FLAWS, &[("written", &written), ("from", &from), ("to", &to)]).await
}

/// Counted without FINAL: a double row must show, even one that a merge is going to take away. An event's day is within 30
/// days of its receipt, so only those partitions are read.
const ROWS: &str = "
    SELECT 'enriched' AS topic, toInt64(toUnixTimestamp(toStartOfMinute(received_at))) * 1000 AS minute_ms,
        count() AS rows, uniqExact(eid) AS ids
    FROM events
    WHERE received_at >= fromUnixTimestamp64Milli({from:Int64}) AND received_at < fromUnixTimestamp64Milli({to:Int64})
        AND created_at >= fromUnixTimestamp64Milli({from:Int64}) - INTERVAL 31 DAY
        AND created_at < fromUnixTimestamp64Milli({to:Int64}) + INTERVAL 2 HOUR
    GROUP BY minute_ms
    UNION ALL
    SELECT 'payments', toInt64(toUnixTimestamp(toStartOfMinute(produced_at))) * 1000 AS minute_ms,
        count(), uniqExact(oid, id)
    FROM payments
    WHERE produced_at >= fromUnixTimestamp64Milli({from:Int64}) AND produced_at < fromUnixTimestamp64Milli({to:Int64})
    GROUP BY minute_ms
    UNION ALL
    SELECT 'agreements', toInt64(toUnixTimestamp(toStartOfMinute(received_at))) * 1000 AS minute_ms,
        count(), uniqExact(vid, oid, id)
    FROM agreed
    WHERE received_at >= fromUnixTimestamp64Milli({from:Int64}) AND received_at < fromUnixTimestamp64Milli({to:Int64})
    GROUP BY minute_ms
    UNION ALL
    SELECT 'dead_letters', toInt64(toUnixTimestamp(toStartOfMinute(assumeNotNull(received_at)))) * 1000 AS minute_ms,
        count(), uniqExact(id)
    FROM dead_letters
    WHERE received_at >= fromUnixTimestamp64Milli({from:Int64}) AND received_at < fromUnixTimestamp64Milli({to:Int64})
        AND has(splitByChar(',', {topics:String}), topic)
    GROUP BY minute_ms";

pub(super) async fn rows(client: &Client, prefix: &str, span: &Span) -> Result<Vec<Rows>, Fault> {
    let [_, from, to] = bounds(span);
    let read = LANES.iter().filter(|(_, topic)| *topic != Topic::DeadLetters.name());
    // One text: the client would escape the quotes of an array's texts once more.
    let topics = read.map(|(_, topic)| format!("{prefix}{topic}")).collect::<Vec<_>>().join(",");
    client.rows(ROWS, &[("from", &from), ("to", &to), ("topics", &topics)]).await
}

fn bounds(span: &Span) -> [String; 3] {
    let written = span.from_ms.saturating_sub(SKEW_MS).max(0);
    [written, span.from_ms, span.to_ms].map(|ms| ms.to_string())
}
