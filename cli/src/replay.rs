//! `tracker replay`: what a topic holds, once more. The crate [`tracker_processors::replay`] does it; here stands what can be
//! typed, and what is told.

mod bound;
mod filter;
mod start;
mod tell;

use crate::{Failure, Out, send::pace::Rate};
use serde_json::json;
use start::Typed;
use tracker_processors::replay::{
    Folder, ReplayConfig, Replayed, State,
    shadow::{Pair, compare, swap},
};
use tracker_stream::config::Settings;

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
    /// enriched, payments or events.
    #[arg(long, required_unless_present = "resume")]
    topic: Option<Replayed>,
    /// Where to begin: `start`, a time (`2026-11-24T08:00:00Z`, or milliseconds since 1970), a span ago (`2h`), or offsets of
    /// partitions (`0:1200,1:1180`; others take no part). A time is that of receipt.
    #[arg(long, value_name = "WHERE", required_unless_present = "resume")]
    from: Option<String>,
    /// Where to end, that message not included, said like --from; nothing: what is there now.
    #[arg(long, value_name = "WHERE")]
    to: Option<String>,
    /// The table (events for enriched, payments for payments), `shadow` for a database of its own, or `topic` for the
    /// end of the same topic [default: the table].
    #[arg(long, value_name = "TABLE|shadow|topic")]
    into: Option<String>,
    /// Only messages with `field=value`, `field!=value` or `field~part`; all of them, where repeated. As `tap --where`.
    #[arg(long, value_name = "CONDITION")]
    filter: Vec<String>,
    /// Messages a time, at most: `5000/s`. Without it, one insert a second, and fewer while live traffic needs them.
    #[arg(long)]
    rate: Option<Rate>,
    /// Say what would be done, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Go on with that replay. The same command line finds its unfinished one by itself.
    #[arg(long, value_name = "ID", conflicts_with_all = ["topic", "from", "to", "into", "filter", "new", "dry_run"])]
    resume: Option<String>,
    /// Begin anew, though the same was begun before and has not ended.
    #[arg(long)]
    new: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// The replays that were begun here.
    #[command(after_help = "Example:\n  tracker replay ls --json")]
    Ls {
        /// Print JSON, one line each.
        #[arg(long)]
        json: bool,
    },
    /// Compare a shadow with the live database, by table and partition, and exit with 1 when they differ.
    #[command(after_help = COMPARE)]
    Compare {
        /// Name of the replay.
        id: String,
        /// Print JSON, one line for each partition.
        #[arg(long)]
        json: bool,
    },
    /// Put partitions of a shadow in the place of the live ones, and make the views anew from the result.
    #[command(after_help = SWAP)]
    Swap {
        /// Name of the replay.
        id: String,
        /// Only these: a month, as 202611.
        #[arg(long = "partition", value_name = "ID")]
        partitions: Vec<String>,
        /// Do it; without, only say what would be done.
        #[arg(long)]
        yes: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Forget a replay, and drop its shadow.
    #[command(after_help = "Example:\n  tracker replay drop 20261124080000x1f3a")]
    Drop {
        /// Name of the replay.
        id: String,
    },
}

const AFTER: &str = "\
Examples:
  tracker replay --topic enriched --from 2h --dry-run
  tracker replay --topic enriched --from 2026-11-24T08:00:00Z --to 2026-11-24T09:00:00Z
  tracker replay --topic enriched --from start --into shadow --rate 5000/s
  tracker replay --topic payments --from 0:1200 --filter currency=EUR

What is stored already is left out, and so are persons who were erased. A replay that was killed goes on where it was, with
the same command line or --resume. Into `topic`, messages are sent again with the header `replay`; those of `events` that
enrich still knows, it drops as duplicates.";

const COMPARE: &str = "\
Example:
  tracker replay compare 20261124080000x1f3a

Rows that are still to be merged make no difference, nor does where a row travelled.";

const SWAP: &str = "\
Example:
  tracker replay swap 20261124080000x1f3a --partition 202611 --yes

Stop the loader first (SIGTERM; its topic keeps what comes), start it again afterwards. Rows of the live partition from
outside the replayed ranges stay. Killed in the middle, the same command again ends it: until then views may differ.";

/// Runs it.
///
/// # Errors
/// Wrong arguments; a broker or a database that does not answer; a replay that cannot go on; with `compare`, a difference.
pub async fn run(arguments: &Arguments, settings: &Settings, out: &mut Out) -> Result<(), Failure> {
    let config = ReplayConfig::read(settings)?;
    let folder = Folder::at(config.folder.clone());
    match &arguments.action {
        None => start::run(arguments.typed(), settings, &config, out).await,
        Some(Action::Ls { json }) => ls(&folder, *json, out),
        Some(Action::Compare { id, json }) => {
            compared(&Pair::of(&folder.find(id)?, settings)?, *json, out).await
        }
        Some(Action::Swap { id, partitions, yes, json }) => {
            let asked = Asked { partitions, yes: *yes, json: *json };
            swapped(&folder.find(id)?, asked, settings, out).await
        }
        Some(Action::Drop { id }) => forget(&folder, id, settings, out).await,
    }
}

impl Arguments {
    fn typed(&self) -> Typed<'_> {
        Typed {
            topic: self.topic,
            from: self.from.as_deref(),
            to: self.to.as_deref(),
            into: self.into.as_deref(),
            filter: &self.filter,
            rate: self.rate.map(Rate::per_second),
            dry_run: self.dry_run,
            resume: self.resume.as_deref(),
            new: self.new,
            json: self.json,
        }
    }
}

fn ls(folder: &Folder, json: bool, out: &mut Out) -> Result<(), Failure> {
    for state in folder.all()? {
        if json {
            out.json(&tell::summary(&state))?;
        } else {
            out.line(tell::line(&state))?;
        }
    }
    Ok(())
}

async fn compared(pair: &Pair, json: bool, out: &mut Out) -> Result<(), Failure> {
    let all = compare::compare(pair).await?;
    for both in &all {
        if json {
            out.json(&json!({ "equal": both.is_equal(), "compared": both }))?;
        } else {
            out.line(both)?;
        }
    }
    if all.iter().all(compare::Compared::is_equal) { Ok(()) } else { Err(Failure::Told) }
}

struct Asked<'a> {
    partitions: &'a [String],
    yes: bool,
    json: bool,
}

async fn swapped(state: &State, asked: Asked<'_>, settings: &Settings, out: &mut Out) -> Result<(), Failure> {
    let pair = Pair::of(state, settings)?;
    let plan = swap::plan(&pair, &state.order, asked.partitions).await?;
    if !asked.json {
        plan.iter().try_for_each(|part| out.line(format_args!("partition {part}")))?;
    }
    if !asked.yes {
        if asked.json {
            out.json(&json!({ "partitions": plan }))?;
        }
        return Err(Failure::Usage("nothing was done: say --yes to swap".to_owned()));
    }
    let rebuilt = swap::swap(&pair, &plan, state.order.topic, settings).await?;
    if asked.json {
        return out.json(&json!({ "partitions": plan, "views": rebuilt }));
    }
    rebuilt.iter().try_for_each(|view| {
        out.line(format_args!("{} made anew: {} rows, {} before", view.table, view.after, view.before))
    })
}

async fn forget(folder: &Folder, id: &str, settings: &Settings, out: &mut Out) -> Result<(), Failure> {
    let (state, held) = (folder.find(id)?, folder.hold(&[id])?);
    if let Some(shadow) = tell::shadow(&state) {
        let sql = format!("DROP DATABASE IF EXISTS {shadow} SYNC");
        crate::schema::client(settings)?.execute(&sql, &[]).await?;
        out.line(format_args!("dropped {shadow}"))?;
    }
    held.forget(id)?;
    out.line(format_args!("forgot {id}"))
}
