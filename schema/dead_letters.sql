-- dead_letters: every message that could not be carried on, with its original bytes and the reason.
-- Written by `tracker-load`, from the topic `dead_letters`; by nobody else.
--
--   SELECT reason, count() FROM dead_letters FINAL WHERE failed_at > now() - INTERVAL 1 DAY GROUP BY reason
--   SELECT failed_at, reason, detail, payload FROM dead_letters WHERE topic = 'tracker.events' AND offset = 4711
--
-- Where a message was read from tells it from every other: the same one refused again replaces itself.

CREATE TABLE IF NOT EXISTS {database}.dead_letters
(
    id            UUID                          COMMENT 'Same for the same message of the same reader',
    failed_at     DateTime64(3, 'UTC')          COMMENT 'When it was refused; of repeats the latest stays',
    origin        LowCardinality(String)        COMMENT 'Process that refused it',
    reason        LowCardinality(String)        COMMENT 'Tag, snake_case',
    detail        String                        COMMENT 'What was wrong, in words' CODEC(ZSTD(1)),
    topic         LowCardinality(String)        COMMENT 'Topic it was read from',
    partition     Int32                         COMMENT 'Partition it was read from',
    offset        Int64                         COMMENT 'Offset it was read at',
    key           String                        COMMENT 'Key of the message',
    payload       String                        COMMENT 'Original bytes of the message' CODEC(ZSTD(3)),
    traceparent   String                        COMMENT 'W3C trace context of the message',
    version       LowCardinality(String)        COMMENT 'Version of the binary that refused it',
    received_at   Nullable(DateTime64(3, 'UTC')) COMMENT 'Time of the message: when what it tells of was received',
    schema        LowCardinality(String)        COMMENT 'Schema that the payload names: fingerprint, or id: and a registry''s id'
)
ENGINE = ReplacingMergeTree(failed_at)
PARTITION BY toYYYYMM(failed_at)
ORDER BY (topic, partition, offset, id)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'What could not be carried on';
