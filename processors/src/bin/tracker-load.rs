//! `tracker-load`: see [`tracker_processors::load`].

use std::process::ExitCode;
use tracker_processors::load;
use tracker_stream::process::{self, About};

fn main() -> ExitCode {
    process::give_way();
    process::small_pages();
    let about = About {
        name: "tracker-load",
        summary: "Loads enriched events and dead letters from their topics into ClickHouse.",
        check: load::check,
        flags: &[],
    };
    process::main(about, load::run)
}
