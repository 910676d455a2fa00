//! What a replay says: where it begins and how far it is to standard error, what came of it to standard output.

use crate::{Failure, Out};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::{
    fmt::Display,
    io::{self, IsTerminal as _, Write as _},
    time::{Duration, Instant},
};
use tracker_processors::replay::{Counts, State, Telling, Where};

/// Where no bar is drawn, a line now and then.
const LINES: Duration = Duration::from_secs(5);

/// Tells of one run.
pub struct Teller {
    bar: ProgressBar,
    dry_run: bool,
    json: bool,
    began_at: Instant,
    told_at: Instant,
    /// Messages that were read before this run.
    before: u64,
}

impl Teller {
    /// Of a run that begins with this state.
    pub fn new(state: &State, dry_run: bool, json: bool) -> Self {
        let (done, all) = state.progress();
        let bar = ProgressBar::new(all).with_position(done);
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {percent:>3}%  {msg}  {eta} left") {
            bar.set_style(style);
        }
        let now = Instant::now();
        Self { bar, dry_run, json, began_at: now, told_at: now, before: state.counts().read }
    }

    /// What will be done.
    pub fn begin(&self, state: &State) {
        let (done, _) = state.progress();
        let begins = if done > 0 || state.plan.is_some() { "goes on" } else { "begins" };
        let dry = if self.dry_run { ", a dry run" } else { "" };
        say(format_args!("replay {} {begins}: {}{dry}", state.id, what(state)));
        for range in &state.ranges {
            let (partition, next, end) = (range.partition, range.next, range.end);
            say(format_args!("partition {partition}: offsets {next} to {end}"));
        }
    }

    /// How it goes.
    pub fn tell(&mut self, telling: &Telling<'_>) {
        match telling {
            Telling::Waiting(why) => self.bar.suspend(|| say(format_args!("waiting: {why}"))),
            Telling::Block(state) => {
                let (done, all) = state.progress();
                let read = state.counts().read - self.before;
                let seconds = self.began_at.elapsed().as_secs_f64();
                let rate = read as f64 / seconds.max(0.001);
                self.bar.set_position(done);
                self.bar.set_message(format!("{read} read, {rate:.0}/s"));
                if !io::stderr().is_terminal() && self.told_at.elapsed() >= LINES {
                    self.told_at = Instant::now();
                    let left = (all - done) as f64 / rate.max(0.001);
                    say(format_args!("{done} of {all} offsets, {rate:.0} messages/s, {left:.0} s left"));
                }
            }
        }
    }

    /// What came of it.
    pub fn end(&self, state: &State, out: &mut Out) -> Result<(), Failure> {
        self.bar.finish_and_clear();
        if self.json {
            return out.json(&summary(state));
        }
        let went = if self.dry_run { "would go in" } else { "went in" };
        for range in &state.ranges {
            out.push(format_args!("partition {}: {}", range.partition, counted(range.counts, went)))?;
        }
        out.line(format_args!("{}: {}", state.id, counted(state.counts(), went)))
    }
}

fn counted(counts: Counts, went: &str) -> String {
    let Counts { read, filtered, erased, unreadable, present, written, refused } = counts;
    let more = [
        (filtered, "not wanted"),
        (erased, "of erased persons"),
        (unreadable, "unreadable"),
        (refused, "refused"),
    ];
    let more = more.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!(", {count} {what}"));
    format!("{read} read, {present} stored already, {written} {went}{}", more.collect::<String>())
}

/// The replay as JSON.
pub fn summary(state: &State) -> Value {
    json!({
        "id": state.id,
        "topic": state.order.topic,
        "into": state.order.into,
        "database": state.database,
        "from": state.order.from,
        "to": state.order.to,
        "filter": state.order.filter,
        "started_at": state.started_at,
        "finished_at": state.finished_at,
        "counts": state.counts(),
        "partitions": state.ranges,
    })
}

/// The replay as one line.
pub fn line(state: &State) -> String {
    let (done, all) = state.progress();
    let how_far = match state.finished_at {
        Some(at) => format!("ended {at}"),
        None => format!("{done} of {all} offsets done"),
    };
    format!("{} {}, {how_far}: {}", state.id, what(state), counted(state.counts(), "went in"))
}

fn what(state: &State) -> String {
    let table = state.order.topic.table();
    match state.order.into {
        Where::Table => format!("{} into {}.{table}", state.topic, state.database),
        Where::Shadow => format!("{} into the shadow {}", state.topic, state.database),
        Where::Topic => format!("{} once more", state.topic),
    }
}

/// The database of a shadow.
pub fn shadow(state: &State) -> Option<&str> {
    (state.order.into == Where::Shadow).then_some(state.database.as_str())
}

fn say(line: impl Display) {
    // Where even standard error is gone, the work still counts.
    let _unseen = writeln!(io::stderr(), "{line}");
}
