//! The promises, on the real binaries, a real broker and a real ClickHouse.
