-- agreements: what each visitor of each tenant consents to now: the last that was said, by the time at which it was said.
-- Kept by `agreements_mv` from `agreed`, never by an insert of its own: the state and its history cannot disagree.
--
--   SELECT cflags FROM agreements FINAL WHERE oid = '…' AND vid = '…'
--   SELECT country, countIf(bitTest(cflags, 12)) / count() AS marketing FROM agreements FINAL GROUP BY country

CREATE TABLE IF NOT EXISTS {database}.agreements
(
    oid           UUID                   COMMENT 'Tenant',
    vid           UUID                   COMMENT 'Visitor',
    uid           UUID                   COMMENT 'User',
    org           LowCardinality(String) COMMENT 'Sub-tenant',
    cflags        Int64                  COMMENT 'Consent bits: 1 necessary, 256 preferences, 1024 statistics, 4096 marketing',
    opt_out       Bool                   COMMENT 'Sec-GPC or DNT was sent with it, which clears 4096',
    regulation    LowCardinality(String) COMMENT 'Law under which it was asked for',
    jurisdiction  LowCardinality(String) COMMENT 'Whose law that is',
    compliances   String                 COMMENT 'What was chosen in detail: JSON text' CODEC(ZSTD(1)),
    country       LowCardinality(String) COMMENT 'ISO 3166-1 alpha-2',
    host          LowCardinality(String) COMMENT 'Host that was asked',
    id            UUID                   COMMENT 'Consent, as in agreed',
    created_at    DateTime64(3, 'UTC')   COMMENT 'When it was said; the latest holds',
    received_at   DateTime64(3, 'UTC')   COMMENT 'When the edge had read it'
)
ENGINE = ReplacingMergeTree(created_at)
ORDER BY (oid, vid)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'What each visitor consents to now';

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.agreements_mv TO {database}.agreements AS
SELECT
    oid,
    vid,
    uid,
    org,
    cflags,
    opt_out,
    regulation,
    jurisdiction,
    compliances,
    country,
    host,
    id,
    created_at,
    received_at
FROM {database}.agreed;
