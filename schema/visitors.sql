-- visitors: one row a visitor: when first and last seen, how they came, what they did. Without those who gave no id.
-- `visitors_data` is kept by `visitors_mv` from `events`; `visitors` makes readable rows of it.
--
--   SELECT first_channel, count() FROM visitors WHERE host = 'example.com' AND NOT bot GROUP BY first_channel
--   SELECT * FROM visitors WHERE oid = '…' AND host = 'example.com' AND vid = '…'

CREATE TABLE IF NOT EXISTS {database}.visitors_data
(
    oid            UUID                                                COMMENT 'Tenant',
    host           LowCardinality(String)                              COMMENT 'Host',
    vid            UUID                                                COMMENT 'Visitor',
    first_at       SimpleAggregateFunction(min, DateTime64(3, 'UTC'))  COMMENT 'First event',
    last_at        SimpleAggregateFunction(max, DateTime64(3, 'UTC'))  COMMENT 'Last event',
    events         SimpleAggregateFunction(sum, UInt64)                COMMENT 'Events',
    sessions       AggregateFunction(uniq, UUID)                       COMMENT 'Sessions',
    bot            SimpleAggregateFunction(max, Bool)                  COMMENT 'A program was seen under this id',
    uid            SimpleAggregateFunction(max, UUID)                  COMMENT 'A user that was seen under this id; zero: none',
    first_url      AggregateFunction(argMin, String, DateTime64(3, 'UTC')) COMMENT 'First page',
    first_channel  AggregateFunction(argMin, String, DateTime64(3, 'UTC')) COMMENT 'Channel of the first event',
    first_referrer AggregateFunction(argMin, String, DateTime64(3, 'UTC')) COMMENT 'Referrer of the first event',
    first_campaign AggregateFunction(argMin, String, DateTime64(3, 'UTC')) COMMENT 'UTM campaign of the first event',
    country        AggregateFunction(argMax, String, DateTime64(3, 'UTC')) COMMENT 'Last country',
    device_type    AggregateFunction(argMax, String, DateTime64(3, 'UTC')) COMMENT 'Last type of device'
)
ENGINE = AggregatingMergeTree
ORDER BY (oid, host, vid)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'States behind visitors';

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.visitors_mv TO {database}.visitors_data AS
SELECT
    oid,
    host,
    vid,
    min(created_at) AS first_at,
    max(created_at) AS last_at,
    count() AS events,
    uniqStateIf(sid, sid != toUUID('00000000-0000-0000-0000-000000000000')) AS sessions,
    max(e.bot) AS bot,
    max(e.uid) AS uid,
    argMinStateIf(e.url, created_at, e.url != '') AS first_url,
    argMinState(toString(e.channel), created_at) AS first_channel,
    argMinState(toString(e.referrer), created_at) AS first_referrer,
    argMinState(toString(e.campaign), created_at) AS first_campaign,
    argMaxState(toString(e.country), created_at) AS country,
    argMaxState(toString(e.device_type), created_at) AS device_type
FROM {database}.events AS e
WHERE vid != toUUID('00000000-0000-0000-0000-000000000000')
GROUP BY oid, host, vid;

CREATE VIEW IF NOT EXISTS {database}.visitors AS
SELECT
    oid,
    host,
    vid,
    min(data.first_at) AS first_at,
    max(data.last_at) AS last_at,
    sum(data.events) AS events,
    uniqMerge(data.sessions) AS sessions,
    max(data.bot) AS bot,
    max(data.uid) AS uid,
    argMinMerge(data.first_url) AS first_url,
    argMinMerge(data.first_channel) AS first_channel,
    argMinMerge(data.first_referrer) AS first_referrer,
    argMinMerge(data.first_campaign) AS first_campaign,
    argMaxMerge(data.country) AS country,
    argMaxMerge(data.device_type) AS device_type
FROM {database}.visitors_data AS data
GROUP BY oid, host, vid;
