//! The metrics of the GeoIP files, named in this one place.
#![expect(clippy::disallowed_macros, reason = "this is the replacement that the ban names")]

use metrics::{counter, gauge};

/// Whether a GeoIP database is in use: 1 or 0.
pub(crate) fn loaded(file: &str, loaded: bool) {
    gauge!("tracker_geoip_loaded", "file" => file.to_owned()).set(f64::from(u8::from(loaded)));
}

/// A GeoIP database was read: `loaded`, `refused`, or `bad_record`.
pub(crate) fn read(file: &str, outcome: &'static str) {
    counter!("tracker_geoip_reads_total", "file" => file.to_owned(), "outcome" => outcome).increment(1);
}
