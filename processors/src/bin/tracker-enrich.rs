//! `events` to `enriched`: see [`tracker_processors::enrich`].

use std::process::ExitCode;
use tracker_processors::enrich;
use tracker_stream::process::{self, About};

const ABOUT: About = About {
    name: "tracker-enrich",
    summary: "Adds geography, device, bot verdict, channel; applies consent: from `events` to `enriched`.",
    check: enrich::check,
    flags: &[],
};

fn main() -> ExitCode {
    process::give_way();
    process::small_pages();
    process::main(ABOUT, enrich::run)
}
