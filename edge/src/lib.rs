//! The way in: validates, rate-limits, stamps and produces; answers only when the event is safe.
