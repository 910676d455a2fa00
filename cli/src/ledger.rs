//! `tracker ledger`: whether the books close.

mod line;

use crate::{Failure, Out, moment, schema};
use std::time::Duration;
use tracker_processors::ledger::verify::{Report, Span, Verifier};
use tracker_schemas::Timestamp;
use tracker_stream::{clock, config::Settings, fault::Fault};

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tracker ledger verify")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Print the balance of each topic and minute, and the first place where it does not close; exit with 1 then.
    #[command(after_help = AFTER)]
    Verify(Verify),
}

#[derive(Debug, clap::Args)]
struct Verify {
    /// From the minute of this time (`2026-11-24T08:00:00Z`), or of so long ago (`1h`).
    #[arg(long, default_value = "1h", value_name = "WHEN")]
    from: String,
    /// Up to this time, or to so long ago [default: now].
    #[arg(long, value_name = "WHEN")]
    to: Option<String>,
    /// Do not judge minutes that ended less than this ago; `0s` when nothing more is being sent.
    #[arg(long, default_value = "15s", value_name = "SPAN", value_parser = crate::span::parse)]
    settle: Duration,
    /// Wait so long, at most, for the processors to account for everything that is in the log.
    #[arg(long, default_value = "0s", value_name = "SPAN", value_parser = crate::span::parse)]
    wait: Duration,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

const AFTER: &str = "\
What edges acknowledged must be in the log, what is in the log must have a fate, and what was delivered must be in its table,
once: by topic, and by the minute in which it was received. Minutes of which messages are on their way are told, and not judged.

Examples:
  tracker ledger verify
  tracker ledger verify --from 24h --json | jq '.breaks[0]'
  tracker ledger verify --from 2026-11-24T08:00:00Z --to 2026-11-24T09:00:00Z

Exit code: 0 the books close, 1 they do not, 2 wrong arguments or settings, or nothing could be looked at.";

/// Runs it.
///
/// # Errors
/// Books that do not close; a broker or a ClickHouse that does not answer.
pub async fn run(arguments: &Arguments, settings: &Settings, out: &mut Out) -> Result<(), Failure> {
    let Action::Verify(verify) = &arguments.action;
    let span = verify.span(clock::now_ms())?;
    let verifier = Verifier { client: schema::client(settings)?, kafka: settings.kafka()? };
    let report = verifier.verify_settled(&span, verify.wait).await.map_err(unseen)?;
    if verify.json {
        out.json(&report)?;
    } else {
        tell(&report, &span, out)?;
    }
    if report.is_balanced() { Ok(()) } else { Err(Failure::Told) }
}

/// Not to be taken for books that do not close: those exit with 1.
fn unseen(fault: Fault) -> Failure {
    Failure::Unseen(fault)
}

impl Verify {
    fn span(&self, now_ms: i64) -> Result<Span, Failure> {
        let ms = |text: &str| match moment::parse(text, now_ms) {
            Ok(Timestamp(ms)) => Ok(ms.max(0)),
            Err(wrong) => Err(Failure::Usage(wrong)),
        };
        let from = ms(&self.from)?;
        let to = self.to.as_deref().map_or(Ok(now_ms), ms)?;
        let span = Span::new(from, to, now_ms, self.settle);
        if span.from_ms >= to {
            return Err(Failure::Usage("--from must be before --to".to_owned()));
        }
        Ok(span)
    }
}

fn tell(report: &Report, span: &Span, out: &mut Out) -> Result<(), Failure> {
    for balance in &report.lines {
        out.push(line::of(balance))?;
        balance.notes.iter().try_for_each(|note| out.push(format_args!("    {note}")))?;
    }
    for behind in &report.behind {
        let more = if behind.more { "at least " } else { "" };
        out.push(format_args!(
            "{} has {more}{} messages of {} to account for",
            behind.lane, behind.messages, behind.topic
        ))?;
    }
    if report.lines.is_empty() {
        let [from, to] = [span.from_ms, span.to_ms].map(Timestamp);
        out.push(format_args!("nothing was counted from {from} to {to}"))?;
    }
    match report.breaks.as_slice() {
        [] if report.is_settled() => out.line("the books close"),
        [] => out.line("the books close, as far as they are settled"),
        [first, rest @ ..] => {
            out.push(format_args!("the books do not close; first at {first}"))?;
            rest.iter().try_for_each(|found| out.push(format_args!("    then {found}")))?;
            out.flush()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use tracker_stream::books::MINUTE_MS;

    #[derive(Debug, clap::Parser)]
    struct Typed {
        #[command(flatten)]
        verify: Verify,
    }

    fn span(words: &[&str], now_ms: i64) -> Result<Span, Failure> {
        Typed::try_parse_from(std::iter::once(&"verify").chain(words)).unwrap().verify.span(now_ms)
    }

    #[test]
    fn the_last_hour_is_looked_at_up_to_what_has_settled() {
        let now = 100 * MINUTE_MS + 14_000;
        let span = span(&[], now).unwrap();
        assert_eq!((span.from_ms, span.to_ms), (40 * MINUTE_MS, now));
        assert_eq!(span.settled_ms, 99 * MINUTE_MS, "the minute before ended 14 seconds ago");
    }

    #[test]
    fn times_and_spans_are_taken_and_must_be_in_order() {
        let asked =
            span(&["--from", "1970-01-01T00:01:30Z", "--to", "10m", "--settle", "0s"], 60 * MINUTE_MS);
        let asked = asked.unwrap();
        assert_eq!((asked.from_ms, asked.to_ms, asked.settled_ms), (MINUTE_MS, 50 * MINUTE_MS, i64::MAX));
        let backwards = span(&["--from", "5m", "--to", "1h"], 100 * MINUTE_MS).unwrap_err();
        assert_eq!(backwards.code(), 2);
        assert_eq!(span(&["--from", "yesterday"], 0).unwrap_err().code(), 2);
    }

    #[test]
    fn what_could_not_be_looked_at_is_not_taken_for_a_break() {
        assert_eq!(unseen(Fault::new("broker_unreachable", "no broker")).code(), 2);
        assert_eq!(Failure::Told.code(), 1);
    }
}
