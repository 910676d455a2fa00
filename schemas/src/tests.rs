//! The crate's claims, proved: the encoding with `apache-avro`, the examples with their schemas.

mod compatibility;
mod encoding;
mod generated;
mod hostile;
mod stories;
mod values;
