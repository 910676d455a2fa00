-- redirects: the short links as they are now; `deleted` says of those that were removed that they are not any more.
-- Kept by `redirects_mv` from `redirect_history`; by nobody else.
--
--   SELECT urlfrom, urlto, updater, updated_at FROM redirects FINAL WHERE startsWith(address, 'sho.example/') AND NOT deleted
--
-- The latest of an address stays. An edge asks no table: it has all links in memory, from the topic `redirects`.

CREATE TABLE IF NOT EXISTS {database}.redirects
(
    address       String                        COMMENT 'Lower-cased host and path by which the link is found',
    urlfrom       String                        COMMENT 'Address of the link, as it was given',
    urlto         String                        COMMENT 'Where it leads, as it was given' CODEC(ZSTD(1)),
    searchto      String                        COMMENT 'Query that is added to the query of urlto',
    oid           UUID                          COMMENT 'Tenant that it belongs to',
    org           LowCardinality(String)        COMMENT 'Sub-tenant',
    updater       LowCardinality(String)        COMMENT 'Account or key that made the change',
    updated_at    DateTime64(3, 'UTC')          COMMENT 'When it was changed',
    deleted       Bool                          COMMENT 'It was removed',
    id            UUID                          COMMENT 'Id of the change',
    offset        Int64                         COMMENT 'Offset of its message on the topic'
)
ENGINE = ReplacingMergeTree(updated_at)
ORDER BY address
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Short links as they are now';
