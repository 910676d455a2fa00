//! Carries events on: enrichment, loading into ClickHouse, payments.
