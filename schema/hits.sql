-- hits: how often each page had each event on each day (UTC); people and programs apart. The page is the url without its query.
-- `hits_data` is kept by `hits_mv` from `events`; `hits` makes readable rows of it.
--
--   SELECT url, sum(hits) AS n FROM hits WHERE host = 'example.com' AND day >= today() - 7 AND NOT bot GROUP BY url ORDER BY n DESC LIMIT 20
--
-- No partitions, though events have them: a view that makes fewer rows than it reads, of an insert that spans several
-- partitions of its target, is not reliably deduplicated by ClickHouse, and a repeated insert would count twice. There are
-- few rows here, and the sorting key finds a day without.

CREATE TABLE IF NOT EXISTS {database}.hits_data
(
    oid            UUID                                   COMMENT 'Tenant',
    host           LowCardinality(String)                 COMMENT 'Host',
    day            Date                                   COMMENT 'Day of created_at, UTC',
    url            String                                 COMMENT 'Page, without its query' CODEC(ZSTD(1)),
    ename          LowCardinality(String)                 COMMENT 'Event name',
    bot            Bool                                   COMMENT 'Programs, not people',
    hits           SimpleAggregateFunction(sum, UInt64)   COMMENT 'Events'
)
ENGINE = AggregatingMergeTree
ORDER BY (oid, host, day, url, ename, bot)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Counters behind hits';

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.hits_mv TO {database}.hits_data AS
SELECT
    oid,
    host,
    toDate(created_at) AS day,
    cutQueryString(e.url) AS url,
    ename,
    bot,
    count() AS hits
FROM {database}.events AS e
WHERE e.url != ''
GROUP BY oid, host, day, url, ename, bot;

CREATE VIEW IF NOT EXISTS {database}.hits AS
SELECT
    oid,
    host,
    day,
    url,
    ename,
    bot,
    sum(data.hits) AS hits
FROM {database}.hits_data AS data
GROUP BY oid, host, day, url, ename, bot;
