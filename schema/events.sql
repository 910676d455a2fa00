-- events: every event after enrichment and the consent filter, one row an event.
-- Written by `tracker-load`, from the topic `enriched`; by nobody else.
--
-- A repeated event id replaces itself in the background; add FINAL where not even a moment's double may show:
--   SELECT ename, count() FROM events FINAL WHERE host = 'example.com' AND created_at >= today() GROUP BY ename
--   SELECT * FROM events WHERE oid = '…' AND host = 'example.com' AND toDate(created_at) = '2026-01-31' AND vid = '…'
-- One event by its id is found by an index: WHERE eid = '…'. Where it travelled: `tracker trace`.
--
-- Absent text is '', an absent UUID is zero, an absent number is NULL. Times are UTC.
-- The day in the sorting key is that of `created_at`: what is enriched again carries it unchanged, and replaces itself.
-- Not so a client that sends an event again after midnight and gave no `created_at`: both rows stay.

CREATE TABLE IF NOT EXISTS {database}.events
(
    eid           UUID                         COMMENT 'Event id; a repeat is the same event',
    vid           UUID                         COMMENT 'Visitor',
    sid           UUID                         COMMENT 'Session',
    uid           UUID                         COMMENT 'User',
    oid           UUID                         COMMENT 'Tenant',
    tid           UUID                         COMMENT 'Message thread',
    rid           UUID                         COMMENT 'Related object; its kind is relation',
    auth_id       UUID                         COMMENT 'Author of the content',
    invoice_id    UUID                         COMMENT 'Invoice',
    mid           UUID                         COMMENT 'Message',
    org           LowCardinality(String)       COMMENT 'Sub-tenant',
    app           LowCardinality(String)       COMMENT 'Application',
    rel           LowCardinality(String)       COMMENT 'Release of the application',
    ptyp          LowCardinality(String)       COMMENT 'Page type',
    relation      LowCardinality(String)       COMMENT 'Kind of the related object',
    ename         LowCardinality(String)       COMMENT 'Event name, lower-cased',
    etyp          LowCardinality(String)       COMMENT 'Event category, lower-cased',
    url           String                       COMMENT 'Page, without fragment and secrets' CODEC(ZSTD(1)),
    last          String                       COMMENT 'Previous page, cleaned like url' CODEC(ZSTD(1)),
    ref           String                       COMMENT 'Referring user',
    rcode         String                       COMMENT 'Referral code',
    aff           LowCardinality(String)       COMMENT 'Affiliate',
    gclid         String                       COMMENT 'Google Ads click id',
    fbclid        String                       COMMENT 'Meta click id',
    msclkid       String                       COMMENT 'Microsoft Ads click id',
    ttclid        String                       COMMENT 'TikTok click id',
    li_fat_id     String                       COMMENT 'LinkedIn click id',
    twclid        String                       COMMENT 'X click id',
    source        LowCardinality(String)       COMMENT 'UTM source',
    medium        LowCardinality(String)       COMMENT 'UTM medium',
    campaign      LowCardinality(String)       COMMENT 'UTM campaign',
    term          String                       COMMENT 'UTM term',
    content       String                       COMMENT 'UTM content',
    xid           LowCardinality(String)       COMMENT 'Experiment',
    split         LowCardinality(String)       COMMENT 'Variant of the experiment',
    ver           Nullable(Int32)              COMMENT 'Version of the experiment',
    arm_id        LowCardinality(String)       COMMENT 'Arm of the bandit',
    mcid          LowCardinality(String)       COMMENT 'Meta-campaign',
    sink          LowCardinality(String)       COMMENT 'Goal',
    score         Nullable(Float64)            COMMENT 'Funnel score',
    outcome       LowCardinality(String)       COMMENT 'Success counter',
    duration      Nullable(Int64)              COMMENT 'Milliseconds since the last action',
    cflags        Nullable(Int64)              COMMENT 'Consent bits that the client signalled; NULL: no signal',
    lat           Nullable(Float64)            COMMENT 'Latitude, degrees',
    lon           Nullable(Float64)            COMMENT 'Longitude, degrees',
    country       LowCardinality(String)       COMMENT 'ISO 3166-1 alpha-2',
    region        LowCardinality(String)       COMMENT 'Region or state',
    city          LowCardinality(String)       COMMENT 'City',
    zip           LowCardinality(String)       COMMENT 'Postal code',
    tz            LowCardinality(String)       COMMENT 'IANA time zone',
    device        LowCardinality(String)       COMMENT 'Device family',
    os            LowCardinality(String)       COMMENT 'Operating system family',
    browser       LowCardinality(String)       COMMENT 'Browser family',
    culture       LowCardinality(String)       COMMENT 'Language and region, as en-US',
    w             Nullable(Int64)              COMMENT 'Viewport width, pixels',
    h             Nullable(Int64)              COMMENT 'Viewport height, pixels',
    gaid          String                       COMMENT 'Google advertising id',
    idfa          String                       COMMENT 'Apple advertising id',
    msid          String                       COMMENT 'Microsoft advertising id',
    fbid          String                       COMMENT 'Meta browser id',
    ehash         String                       COMMENT 'Keyed hash of the e-mail address',
    chash         String                       COMMENT 'Keyed hash of the phone number',
    uhash         String                       COMMENT 'Keyed hash of the user name',
    audience      Array(String)                COMMENT 'Audiences of the visitor',
    audience_tags Array(String)                COMMENT 'Tags of the audience',
    content_tags  Array(String)                COMMENT 'Tags of the content',
    tags          Array(String)                COMMENT 'Free tags',
    targets       String                       COMMENT 'Components touched: JSON text' CODEC(ZSTD(1)),
    params        String                       COMMENT 'Everything else that was sent: text of a JSON object' CODEC(ZSTD(1)),
    created_at    DateTime64(3, 'UTC')         COMMENT 'Client time, if plausible; else receipt time' CODEC(Delta(8), ZSTD(1)),
    received_at   DateTime64(3, 'UTC')         COMMENT 'When the edge had read it' CODEC(Delta(8), ZSTD(1)),
    kind          LowCardinality(String)       COMMENT 'client or server',
    host          LowCardinality(String)       COMMENT 'Host that was asked, lower-cased, without port',
    hhash         LowCardinality(String)       COMMENT 'Base-36 FNV-1a-32 of host',
    edge          LowCardinality(String)       COMMENT 'Edge node',
    schema        Int32                        COMMENT 'Version of the schema that the edge wrote',
    enriched_at   DateTime64(3, 'UTC')         COMMENT 'When enrichment had it; of repeats the latest stays' CODEC(Delta(8), ZSTD(1)),
    consent       Int64                        COMMENT 'Consent bits in force: 1 necessary, 256 preferences, 1024 statistics, 4096 marketing',
    ip            String                       COMMENT 'Client address, truncated to /24 or /48',
    iphash        String                       COMMENT 'Keyed hash of the address under a daily salt',
    asn           Nullable(Int64)              COMMENT 'Autonomous system number',
    as_org        LowCardinality(String)       COMMENT 'Organisation of the autonomous system',
    user_agent    String                       COMMENT 'User-Agent header' CODEC(ZSTD(1)),
    device_type   LowCardinality(String)       COMMENT 'desktop, mobile, tablet, tv or bot',
    bot           Bool                         COMMENT 'A program sent it, not a person',
    bot_reason    LowCardinality(String)       COMMENT 'Which rule said so',
    channel       LowCardinality(String)       COMMENT 'direct, search, social, ai, email, paid, referral, internal or campaign',
    referrer      LowCardinality(String)       COMMENT 'Search engine, network, assistant, or the referring host',
    search_term   String                       COMMENT 'What was searched for, where the referrer tells',
    partition     Int32                        COMMENT 'Partition of the topic enriched that it was read from' CODEC(T64, ZSTD(1)),
    offset        Int64                        COMMENT 'Offset in it' CODEC(T64, ZSTD(1)),
    raw_partition Nullable(Int32)              COMMENT 'Partition of the topic events that it was received into' CODEC(T64, ZSTD(1)),
    raw_offset    Nullable(Int64)              COMMENT 'Offset in it' CODEC(T64, ZSTD(1)),
    INDEX by_eid eid TYPE bloom_filter(0.001) GRANULARITY 4
)
ENGINE = ReplacingMergeTree(enriched_at)
PARTITION BY toYYYYMM(created_at)
ORDER BY (oid, host, toDate(created_at), vid, eid)
-- A part below this size, uncompressed, is one file for all columns instead of two or more for each: an insert that makes
-- hundreds of files costs the server twice as much, and merges of small parts make as many again.
SETTINGS non_replicated_deduplication_window = 10000, min_bytes_for_wide_part = 134217728
COMMENT 'Every event, one row each';
