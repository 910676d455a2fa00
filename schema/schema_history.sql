-- schema_history: what `tracker schema apply` did to this database, and when.
-- Written by `tracker schema apply`; by nobody else.
--
--   SELECT applied_at, file, change, version FROM schema_history ORDER BY applied_at

CREATE TABLE IF NOT EXISTS {database}.schema_history
(
    applied_at    DateTime64(3, 'UTC')         COMMENT 'When',
    file          LowCardinality(String)       COMMENT 'File of schema/ that asked for it',
    sha256        String                       COMMENT 'Hash of that file',
    change        String                       COMMENT 'What was done',
    version       LowCardinality(String)       COMMENT 'Version of Tracker that did it'
)
ENGINE = MergeTree
ORDER BY (applied_at, file)
COMMENT 'What was done to this database';
