//! How anything moves: the consume loop, commit rule, batching, retry and Kafka. Knows no schema.
