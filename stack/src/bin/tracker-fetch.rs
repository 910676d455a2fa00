//! `tracker-fetch FOLDER [broker] [database] [geoip] [clients]`: fills a cache without starting anything; without names, all that a start needs.
//!
//! For images and for machines that are to work off line later.

use std::{io::Write, process::ExitCode};
use tracker_stack::{Cache, Piece};

const USAGE: &str = "usage: tracker-fetch FOLDER [broker] [database] [geoip] [clients]";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next();
    let pieces: Option<Vec<Piece>> = arguments.map(piece).collect();
    let (Some(folder), Some(pieces)) = (folder, pieces) else {
        say(USAGE);
        return ExitCode::from(2);
    };
    let pieces = if pieces.is_empty() { Piece::ALL.to_vec() } else { pieces };
    match Cache::at(folder).fetch(&pieces, say).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            say(&trouble.to_string());
            ExitCode::FAILURE
        }
    }
}

fn piece(name: String) -> Option<Piece> {
    match name.as_str() {
        "broker" => Some(Piece::Broker),
        "database" => Some(Piece::Database),
        "geoip" => Some(Piece::Geoip),
        "clients" => Some(Piece::Clients),
        _ => None,
    }
}

fn say(line: &str) {
    let _unread = writeln!(std::io::stderr().lock(), "{line}");
}
