-- dailies: the numbers of each day (UTC): events, visitors, sessions; people and programs apart.
-- `dailies_data` is kept by `dailies_mv` from `events`; `dailies` makes readable rows of it.
--
--   SELECT day, events, visitors, sessions FROM dailies WHERE host = 'example.com' AND NOT bot ORDER BY day
--
-- `visitors` and `sessions` are estimates (uniq: about 1 % off for large numbers). Days must not be added up for them.
--
-- No partitions, though events have them: a view that makes fewer rows than it reads, of an insert that spans several
-- partitions of its target, is not reliably deduplicated by ClickHouse, and a repeated insert would count twice. There are
-- few rows here, and the sorting key finds a day without.

CREATE TABLE IF NOT EXISTS {database}.dailies_data
(
    oid            UUID                                  COMMENT 'Tenant',
    host           LowCardinality(String)                COMMENT 'Host',
    day            Date                                  COMMENT 'Day of created_at, UTC',
    bot            Bool                                  COMMENT 'Programs, not people',
    events         SimpleAggregateFunction(sum, UInt64)  COMMENT 'Events',
    visitors       AggregateFunction(uniq, UUID)         COMMENT 'Visitors that gave an id',
    sessions       AggregateFunction(uniq, UUID)         COMMENT 'Sessions that gave an id'
)
ENGINE = AggregatingMergeTree
ORDER BY (oid, host, day, bot)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'States behind dailies';

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.dailies_mv TO {database}.dailies_data AS
SELECT
    oid,
    host,
    toDate(created_at) AS day,
    bot,
    count() AS events,
    uniqStateIf(vid, vid != toUUID('00000000-0000-0000-0000-000000000000')) AS visitors,
    uniqStateIf(sid, sid != toUUID('00000000-0000-0000-0000-000000000000')) AS sessions
FROM {database}.events
GROUP BY oid, host, day, bot;

CREATE VIEW IF NOT EXISTS {database}.dailies AS
SELECT
    oid,
    host,
    day,
    bot,
    sum(data.events) AS events,
    uniqMerge(data.visitors) AS visitors,
    uniqMerge(data.sessions) AS sessions
FROM {database}.dailies_data AS data
GROUP BY oid, host, day, bot;
