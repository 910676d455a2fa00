-- agreed: every consent that was given or withdrawn, as it was said: the proof.
-- Written by `tracker-load`, from the topic `agreements`; by nobody else. What holds now of each visitor: `agreements`.
--
--   SELECT created_at, cflags, regulation, url FROM agreed FINAL WHERE vid = '…' ORDER BY created_at DESC
--
-- A consent that comes again under the same id replaces itself: ask with FINAL. The visitor comes first in the sorting key,
-- for one's consents are asked for by one's id alone. Addresses are truncated whatever the settings say.

CREATE TABLE IF NOT EXISTS {database}.agreed
(
    id            UUID                         COMMENT 'Consent; a repeat is the same consent',
    vid           UUID                         COMMENT 'Visitor who gave or withdrew it',
    uid           UUID                         COMMENT 'User',
    oid           UUID                         COMMENT 'Tenant',
    org           LowCardinality(String)       COMMENT 'Sub-tenant',
    app           LowCardinality(String)       COMMENT 'Application',
    rel           LowCardinality(String)       COMMENT 'Release of the application',
    cflags        Int64                        COMMENT 'Consent bits from then on: 1 necessary, 256 preferences, 1024 statistics, 4096 marketing',
    opt_out       Bool                         COMMENT 'Sec-GPC or DNT was sent with it, which clears 4096',
    regulation    LowCardinality(String)       COMMENT 'Law under which it was asked for',
    jurisdiction  LowCardinality(String)       COMMENT 'Whose law that is',
    compliances   String                       COMMENT 'What was chosen in detail: JSON text' CODEC(ZSTD(1)),
    country       LowCardinality(String)       COMMENT 'ISO 3166-1 alpha-2',
    region        LowCardinality(String)       COMMENT 'Region or state',
    culture       LowCardinality(String)       COMMENT 'Language in which it was asked for',
    tz            LowCardinality(String)       COMMENT 'IANA time zone',
    url           String                       COMMENT 'Page on which it was asked for, cleaned' CODEC(ZSTD(1)),
    source        LowCardinality(String)       COMMENT 'What asked for it',
    ip            String                       COMMENT 'Client address, truncated to /24 or /48' CODEC(ZSTD(1)),
    params        String                       COMMENT 'Everything else that was sent: text of a JSON object' CODEC(ZSTD(1)),
    created_at    DateTime64(3, 'UTC')         COMMENT 'When it was said, by the client''s time if plausible',
    received_at   DateTime64(3, 'UTC')         COMMENT 'When the edge had read it; of repeats the latest stays',
    host          LowCardinality(String)       COMMENT 'Host that was asked',
    hhash         LowCardinality(String)       COMMENT 'Base-36 FNV-1a-32 of host',
    edge          LowCardinality(String)       COMMENT 'Edge node',
    schema        Int32                        COMMENT 'Version of the schema that the edge wrote'
)
ENGINE = ReplacingMergeTree(received_at)
ORDER BY (vid, oid, id)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Every consent given or withdrawn';
