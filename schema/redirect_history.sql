-- redirect_history: every change of every short link, one row each.
-- Written by `tracker-load`, from the topic `redirects`; by nobody else. `redirects` follows from it, in the same insert.
--
--   SELECT updated_at, updater, urlto, deleted FROM redirect_history FINAL WHERE address = 'sho.example/spring' ORDER BY updated_at
--
-- One insert into one table, and a view for the latest: with a group for each of the two, one could show a change that the
-- other does not know.

CREATE TABLE IF NOT EXISTS {database}.redirect_history
(
    id            UUID                          COMMENT 'Id of the change',
    address       String                        COMMENT 'Lower-cased host and path by which the link is found',
    urlfrom       String                        COMMENT 'Address of the link, as it was given',
    urlto         String                        COMMENT 'Where it leads, as it was given; empty where it was removed' CODEC(ZSTD(1)),
    searchto      String                        COMMENT 'Query that is added to the query of urlto',
    oid           UUID                          COMMENT 'Tenant that it belongs to',
    org           LowCardinality(String)        COMMENT 'Sub-tenant',
    updater       LowCardinality(String)        COMMENT 'Account or key that made the change',
    updated_at    DateTime64(3, 'UTC')          COMMENT 'When it was changed',
    partition     Int32                         COMMENT 'Partition of its message on the topic',
    offset        Int64                         COMMENT 'Offset of its message on the topic',
    produced_at   DateTime64(3, 'UTC')          COMMENT 'Time of its message',
    deleted       Bool                          COMMENT 'The link was removed'
)
ENGINE = ReplacingMergeTree
ORDER BY (address, updated_at, id)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Every change of every short link';

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.redirects_mv TO {database}.redirects AS
SELECT
    address,
    urlfrom,
    urlto,
    searchto,
    oid,
    org,
    updater,
    updated_at,
    deleted,
    id,
    offset
FROM {database}.redirect_history;
