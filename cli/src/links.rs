//! `tracker links`: short links, read from their topic and changed on it, by the rules of the edge; and signatures for redirects.

mod list;
mod sign;
mod write;

use crate::{Failure, Out, keys};
use tracker_edge::links::Table;
use tracker_processors::codec;
use tracker_schemas::{Redirect, Topic};
use tracker_stream::{
    config::Settings,
    kafka::{From, Reader, Reading},
    keys::KeyFile,
};

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
}

const AFTER: &str = "\
Examples:
  tracker links add https://sho.example/spring https://shop.example.com/sale --search utm_source=poster
  tracker links ls sho.example
  tracker links sign https://partner.example/offer --base https://tr.example.com";

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List the links of a host.
    #[command(after_help = "Example:\n  tracker links ls sho.example --json | jq -r .urlto")]
    Ls {
        /// The host.
        host: String,
    },
    /// Make a link, or lead it elsewhere. Every edge knows it within a second.
    #[command(
        after_help = "Example:\n  tracker links add https://sho.example/spring https://shop.example.com/sale"
    )]
    Add(write::Add),
    /// Remove a link.
    #[command(after_help = "Example:\n  tracker links rm https://sho.example/spring")]
    Rm {
        /// Address of the link.
        urlfrom: String,
    },
    /// Sign a URL: /tr/v1/rdr leads to it, whatever `edge.redirect_hosts` says.
    #[command(
        after_help = "Example:\n  tracker links sign https://partner.example/offer --base https://tr.example.com"
    )]
    Sign(sign::Sign),
}

/// Runs it.
///
/// # Errors
/// A broker that does not answer, no such topic, a link that can be none, a key file that cannot be read.
pub async fn run(arguments: &Arguments, settings: &Settings, out: &mut Out) -> Result<(), Failure> {
    match &arguments.action {
        Action::Ls { host } => list::list(&table(settings).await?, host, arguments.json, out),
        Action::Add(add) => write::add(add, settings, arguments.json, out).await,
        Action::Rm { urlfrom } => write::remove(urlfrom, settings, arguments.json, out).await,
        Action::Sign(sign) => {
            let file = KeyFile::load(&keys::file(settings)?)?;
            sign::sign(sign, &file.hash_key, arguments.json, out)
        }
    }
}

/// All links as they are now.
async fn table(settings: &Settings) -> Result<Table, Failure> {
    let kafka = settings.kafka()?;
    let decoder = codec::decoder::<Redirect>(settings).await?;
    let mut reader = Reader::open(&kafka, &kafka.topic(Topic::Redirects.name()), From::Beginning).await?;
    let table = Table::default();
    while let Reading::Message(message) = reader.next().await? {
        table.apply(&decoder, &message);
    }
    Ok(table)
}
