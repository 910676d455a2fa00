//! The crate's claims, proved with `apache-avro`.

mod stories;
