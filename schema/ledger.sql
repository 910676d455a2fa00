-- ledger: the books: what each process did, counted. One row a page: what a lane did with one range of one partition, or an
-- edge in one second. Written by `tracker-load`, from the topic `ledger`; by nobody else. `tracker ledger verify` reads it.
--
--   SELECT lane, minute, fate, reason, sum(count) FROM ledger FINAL
--   ARRAY JOIN minutes AS minute, fates AS fate, reasons AS reason, counts AS count
--   WHERE minute >= now() - INTERVAL 1 HOUR GROUP BY ALL ORDER BY ALL
--
-- A page that is written again has the same id and replaces itself: ask with FINAL. A minute is that in which the edge
-- received what is counted, whenever it was done.

CREATE TABLE IF NOT EXISTS {database}.ledger
(
    id            UUID                           COMMENT 'Same for the same page',
    process       LowCardinality(String)         COMMENT 'edge, enrich, load or payments',
    lane          LowCardinality(String)         COMMENT 'Lane of the process; of an edge its node',
    written_at    DateTime64(3, 'UTC')           COMMENT 'When the page was written; of repeats the latest stays',
    topic         LowCardinality(String)         COMMENT 'Topic that it accounts for, without the prefix',
    partition     Nullable(Int32)                COMMENT 'Partition of it; NULL for an edge',
    first         Nullable(Int64)                COMMENT 'First offset; NULL for an edge',
    last          Nullable(Int64)                COMMENT 'Last offset; NULL for an edge',
    token         String                         COMMENT 'Names the range; the insert that stored it bears the same',
    minutes       Array(DateTime64(3, 'UTC'))    COMMENT 'Of each count: start of the minute of receipt',
    fates         Array(LowCardinality(String))  COMMENT 'Of each count: delivered, dropped, dead; at an edge kept, spooled, drained, refused, unkept',
    reasons       Array(LowCardinality(String))  COMMENT 'Of each count: tag, snake_case',
    counts        Array(Int64)                   COMMENT 'Of each count: how many'
)
ENGINE = ReplacingMergeTree(written_at)
PARTITION BY toDate(written_at)
ORDER BY (lane, topic, id)
TTL toDateTime(written_at) + INTERVAL 90 DAY
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'What each process did, counted by minute';
