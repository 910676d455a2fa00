//! `tracker schema`: the database's tables and views, made like the files of `schema/` or compared with them.

use crate::{Failure, Out, drift::Telling};
use tracker_processors::clickhouse::{ClickHouseConfig, Client, schema};
use tracker_stream::config::{Mistakes, Settings};

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tracker schema apply\n  tracker schema check --json")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Create what is missing and change what can be changed without touching a stored row. Safe to repeat; takes
    /// nothing away, and changes nothing at all when something needs a person.
    #[command(after_help = "Example:\n  tracker schema apply")]
    Apply,
    /// Compare table by table and column by column, and exit with 1 when something differs.
    #[command(after_help = "Example:\n  tracker schema check || tracker schema apply")]
    Check,
}

/// Runs it.
///
/// # Errors
/// A ClickHouse that does not answer; with `apply`, what only a person may change; with `check`, a difference.
pub async fn run(arguments: &Arguments, settings: &Settings, out: &mut Out) -> Result<(), Failure> {
    let telling = Telling { of: "tables and views", json: arguments.json, out };
    match arguments.action {
        Action::Apply => telling.done(&apply(settings).await?),
        Action::Check => telling.differences(&schema::check(&client(settings)?).await?),
    }
}

/// Makes the database like the files, and says what it did; nothing to do is no line.
///
/// # Errors
/// As [`run`].
pub async fn apply(settings: &Settings) -> Result<Vec<String>, Failure> {
    Ok(schema::apply(&client(settings)?).await?)
}

/// The database that the settings name.
///
/// # Errors
/// Wrong settings.
pub fn client(settings: &Settings) -> Result<Client, Mistakes> {
    Client::new(&ClickHouseConfig::read(settings)?)
}
