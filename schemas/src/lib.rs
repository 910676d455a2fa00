//! What an event is: Avro schemas, their Rust types, the codec and the topics. No I/O, no async.
