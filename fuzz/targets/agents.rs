#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tracker_processors::enrich::hostile::guided(bytes));
