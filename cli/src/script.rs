//! `tracker script`: how a page loads the browser script of this version.

use crate::{Failure, Out, edge_url};
use serde_json::json;
use tracker_edge::script::SCRIPT;
use tracker_stream::config::Settings;

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tracker script --edge https://tr.example.com\n  tracker script --json | jq -r .integrity"
)]
pub struct Arguments {
    /// Where browsers reach the edge [default: where the settings let it listen].
    #[arg(long, value_name = "URL")]
    edge: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Prints it.
///
/// # Errors
/// Settings without an edge.
pub fn run(arguments: &Arguments, settings: &Settings, out: &mut Out) -> Result<(), Failure> {
    let edge = match &arguments.edge {
        Some(edge) => edge.trim_end_matches('/').to_owned(),
        None => edge_url(settings)?,
    };
    let url = format!("{edge}{}", SCRIPT.path());
    let integrity = &SCRIPT.integrity;
    let snippet = SCRIPT.snippet(&edge);
    if arguments.json {
        let version = &SCRIPT.version;
        return out
            .json(&json!({ "url": url, "version": version, "integrity": integrity, "snippet": snippet }));
    }
    out.line(format_args!("{url}\n{integrity}\n\n{snippet}"))
}
