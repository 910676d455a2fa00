//! `tracker-payments`: see [`tracker_processors::payments`].

use std::process::ExitCode;
use tracker_processors::payments;
use tracker_stream::process::{self, About};

fn main() -> ExitCode {
    process::small_pages();
    let about = About {
        name: "tracker-payments",
        summary: "Loads payments from their topic into ClickHouse, each as soon as it has arrived.",
        check: payments::check,
        flags: &[],
    };
    process::main(about, payments::run)
}
