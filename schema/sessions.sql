-- sessions: one row a session: where it began and ended, how it came, how long it was. Without events that gave no session id.
-- `sessions_data` is kept by `sessions_mv` from `events`; `sessions` makes readable rows of it.
--
--   SELECT channel, count(), avg(seconds) FROM sessions WHERE host = 'example.com' AND NOT bot GROUP BY channel
--   SELECT * FROM sessions WHERE oid = '…' AND host = 'example.com' AND sid = '…'

CREATE TABLE IF NOT EXISTS {database}.sessions_data
(
    oid            UUID                                                COMMENT 'Tenant',
    host           LowCardinality(String)                              COMMENT 'Host',
    sid            UUID                                                COMMENT 'Session',
    vid            SimpleAggregateFunction(max, UUID)                  COMMENT 'Visitor',
    uid            SimpleAggregateFunction(max, UUID)                  COMMENT 'User; zero: none',
    started_at     SimpleAggregateFunction(min, DateTime64(3, 'UTC'))  COMMENT 'First event',
    ended_at       SimpleAggregateFunction(max, DateTime64(3, 'UTC'))  COMMENT 'Last event',
    events         SimpleAggregateFunction(sum, UInt64)                COMMENT 'Events',
    bot            SimpleAggregateFunction(max, Bool)                  COMMENT 'A program, not a person',
    entry_url      AggregateFunction(argMin, String, DateTime64(3, 'UTC')) COMMENT 'First page',
    exit_url       AggregateFunction(argMax, String, DateTime64(3, 'UTC')) COMMENT 'Last page',
    channel        AggregateFunction(argMin, String, DateTime64(3, 'UTC')) COMMENT 'Channel of the first event',
    referrer       AggregateFunction(argMin, String, DateTime64(3, 'UTC')) COMMENT 'Referrer of the first event',
    campaign       AggregateFunction(argMin, String, DateTime64(3, 'UTC')) COMMENT 'UTM campaign of the first event',
    country        AggregateFunction(argMin, String, DateTime64(3, 'UTC')) COMMENT 'Country of the first event',
    device_type    AggregateFunction(argMin, String, DateTime64(3, 'UTC')) COMMENT 'Type of device of the first event'
)
ENGINE = AggregatingMergeTree
ORDER BY (oid, host, sid)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'States behind sessions';

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.sessions_mv TO {database}.sessions_data AS
SELECT
    oid,
    host,
    sid,
    max(e.vid) AS vid,
    max(e.uid) AS uid,
    min(created_at) AS started_at,
    max(created_at) AS ended_at,
    count() AS events,
    max(e.bot) AS bot,
    argMinStateIf(e.url, created_at, e.url != '') AS entry_url,
    argMaxStateIf(e.url, created_at, e.url != '') AS exit_url,
    argMinState(toString(e.channel), created_at) AS channel,
    argMinState(toString(e.referrer), created_at) AS referrer,
    argMinState(toString(e.campaign), created_at) AS campaign,
    argMinState(toString(e.country), created_at) AS country,
    argMinState(toString(e.device_type), created_at) AS device_type
FROM {database}.events AS e
WHERE sid != toUUID('00000000-0000-0000-0000-000000000000')
GROUP BY oid, host, sid;

CREATE VIEW IF NOT EXISTS {database}.sessions AS
SELECT
    oid,
    host,
    sid,
    max(data.vid) AS vid,
    max(data.uid) AS uid,
    min(data.started_at) AS started_at,
    max(data.ended_at) AS ended_at,
    dateDiff('second', started_at, ended_at) AS seconds,
    sum(data.events) AS events,
    max(data.bot) AS bot,
    argMinMerge(data.entry_url) AS entry_url,
    argMaxMerge(data.exit_url) AS exit_url,
    argMinMerge(data.channel) AS channel,
    argMinMerge(data.referrer) AS referrer,
    argMinMerge(data.campaign) AS campaign,
    argMinMerge(data.country) AS country,
    argMinMerge(data.device_type) AS device_type
FROM {database}.sessions_data AS data
GROUP BY oid, host, sid;
