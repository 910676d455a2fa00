#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tracker_edge::hostile::guided::urls(bytes));
