//! From evidence to a report. Pure.

use super::{Balance, Break, Counts, Entry, Evidence, Flaw, LANES, Report, Span, State};
use std::collections::{BTreeMap, BTreeSet};
use tracker_schemas::Timestamp;
use tracker_stream::books::MINUTE_MS;

/// What is counted, by minute and by the place of the topic along the way.
type Sheet = BTreeMap<(i64, usize), Counts>;

/// The report.
#[must_use]
pub fn judge(evidence: &Evidence, span: &Span) -> Report {
    let sheet = sheet(evidence, span);
    let waiting = Waiting::of(evidence, span);
    let mut report = Report { lines: Vec::new(), breaks: Vec::new(), behind: evidence.unread.clone() };
    let flaws = evidence.flaws.iter().filter(|flaw| (span.from_ms..span.to_ms).contains(&flaw.minute_ms));
    report.breaks.extend(flaws.filter_map(of_flaw));
    for ((minute_ms, place), counts) in sheet {
        let Some((_, topic)) = LANES.get(place) else { continue };
        let (minute, topic) = (Timestamp(minute_ms), (*topic).to_owned());
        let settled = !waiting.holds(minute_ms, &topic);
        let found = if settled { breaks(minute, &topic, &counts) } else { Vec::new() };
        let notes = if settled { notes(&topic, &counts) } else { Vec::new() };
        report.breaks.extend(found);
        let open = report.breaks.iter().any(|found| found.minute == minute && found.topic == topic);
        let state = match (open, settled) {
            (true, _) => State::Open,
            (false, true) => State::Balanced,
            (false, false) => State::Unsettled,
        };
        report.lines.push(Balance { minute, topic, state, counts, notes });
    }
    report.breaks.sort_by_key(|found| (found.minute, place_of(&found.topic)));
    report
}

fn place_of(topic: &str) -> usize {
    LANES.iter().position(|(_, known)| *known == topic).unwrap_or(LANES.len())
}

/// What is not judged, because messages of it are on their way.
struct Waiting {
    minutes: BTreeSet<i64>,
    /// There are more messages than were looked at: nobody knows of which minutes.
    all: bool,
    /// A letter says of which minute its message was, and not of which it is itself.
    letters: bool,
    settled_ms: i64,
}

impl Waiting {
    fn of(evidence: &Evidence, span: &Span) -> Self {
        let letters = |topic: &str| topic == "dead_letters";
        let messages = || evidence.unread.iter().filter(move |unread| !letters(&unread.topic));
        Self {
            minutes: messages().flat_map(|unread| unread.minutes.iter().copied()).collect(),
            all: messages().any(|unread| unread.more),
            letters: evidence.unread.iter().any(|unread| letters(&unread.topic)),
            settled_ms: span.settled_ms,
        }
    }

    fn holds(&self, minute_ms: i64, topic: &str) -> bool {
        self.all
            || self.minutes.contains(&minute_ms)
            || minute_ms.saturating_add(MINUTE_MS) > self.settled_ms
            || (self.letters && topic == "dead_letters")
    }
}

fn sheet(evidence: &Evidence, span: &Span) -> Sheet {
    let mut sheet = Sheet::new();
    let inside = |minute_ms: i64| (span.from_ms..span.to_ms).contains(&minute_ms);
    for entry in evidence.entries.iter().filter(|entry| inside(entry.minute_ms)) {
        enter(&mut sheet, entry);
    }
    for rows in evidence.rows.iter().filter(|rows| inside(rows.minute_ms)) {
        let counts = sheet.entry((rows.minute_ms, place_of(&rows.topic))).or_default();
        counts.rows += rows.rows;
        counts.ids += rows.ids;
    }
    sheet
}

fn enter(sheet: &mut Sheet, entry: &Entry) {
    let Entry { process, lane, topic, minute_ms, fate, count, .. } = entry;
    let mut at = |topic: &str, add: &dyn Fn(&mut Counts)| {
        add(sheet.entry((*minute_ms, place_of(topic))).or_default());
    };
    if place_of(topic) == LANES.len() {
        return; // no books are compared of this topic
    }
    if process == "edge" {
        return at(topic, &|counts| match fate.as_str() {
            "kept" => counts.kept += count,
            "spooled" => counts.spooled += count,
            "drained" => counts.drained += count,
            "refused" => counts.refused += count,
            _ => counts.unkept += count,
        });
    }
    if !LANES.contains(&(lane.as_str(), topic.as_str())) || topic == "dead_letters" {
        return; // an outlet has books of its own; what becomes of letters is in no other's
    }
    at(topic, &|counts| {
        counts.read += count;
        match fate.as_str() {
            "delivered" => counts.delivered += count,
            "dropped" => counts.dropped += count,
            _ => counts.dead += count,
        }
    });
    match (topic.as_str(), fate.as_str()) {
        ("events", "delivered") => at("enriched", &|counts| counts.made += count),
        (_, "dead") => at("dead_letters", &|counts| counts.made += count),
        _ => {}
    }
}

/// What does not close in one line, along the way of the data.
fn breaks(minute: Timestamp, topic: &str, counts: &Counts) -> Vec<Break> {
    let Counts { kept, drained, made, read, delivered, rows, ids, .. } = *counts;
    let found = |place, expected, found, detail: String| Break {
        minute,
        topic: topic.to_owned(),
        place,
        expected,
        found,
        detail,
    };
    let mut breaks = Vec::new();
    if kept + drained > read {
        let detail = format!("edges had {} acknowledged, and {read} were read from the log", kept + drained);
        breaks.push(found("log", kept + drained, read, detail));
    }
    match topic {
        "enriched" if made > read => {
            let detail = format!("enrich wrote {made}, and load.events read {read}");
            breaks.push(found("carried", made, read, detail));
        }
        // A consent that comes again replaces itself, whenever that was: fewer rows are no break.
        "agreements" if rows > delivered => {
            let detail =
                format!("{delivered} were stored, and the table has {rows} rows of them: some are double");
            breaks.push(found("stored", delivered, rows, detail));
        }
        "dead_letters" if made > ids => {
            let detail = format!("{made} were sent to the dead letters, and {ids} are in the table");
            breaks.push(found("letters", made, ids, detail));
        }
        _ => {}
    }
    if topic == "enriched" || topic == "payments" {
        if ids != delivered {
            let detail = format!("{delivered} were stored, and the table has {ids} of them");
            breaks.push(found("stored", delivered, ids, detail));
        } else if rows != ids {
            let detail =
                format!("{delivered} were stored, and the table has {rows} rows of them: some are double");
            breaks.push(found("stored", delivered, rows, detail));
        }
    }
    breaks
}

/// What is no break, and should be known.
fn notes(topic: &str, counts: &Counts) -> Vec<String> {
    let Counts { kept, spooled, drained, made, read, ids, .. } = *counts;
    let mut notes = Vec::new();
    let mut note = |count: u64, words: &str| {
        if count > 0 {
            notes.push(format!("{count} {words}"));
        }
    };
    match topic {
        "events" | "payments" | "agreements" => {
            let in_spool = spooled.saturating_sub(drained);
            note(in_spool, "in a spool, or drained by an edge that ended before it wrote its books");
            let more = read.saturating_sub(kept + drained).saturating_sub(in_spool);
            note(
                more,
                "more in the log than edges wrote down: kept by one that ended before it wrote its books, answered 503 and kept \
                  all the same, or sent again from the dead letters",
            );
        }
        "enriched" => note(
            read.saturating_sub(made),
            "more on the topic than enrich wrote: sent again from the dead letters, or replayed",
        ),
        _ => note(
            ids.saturating_sub(made),
            "more letters than the books tell: of messages that were refused, and accepted when they were read again",
        ),
    }
    notes
}

fn of_flaw(flaw: &Flaw) -> Option<Break> {
    let Flaw { lane, topic, partition, minute_ms, first, last, counted, overlap, found } = flaw;
    let at = format!("{lane}, partition {partition}, offsets {first}-{last}");
    let of = |expected, found, detail: String| Break {
        minute: Timestamp(*minute_ms),
        topic: topic.clone(),
        place: "pages",
        expected,
        found,
        detail,
    };
    if *overlap {
        return Some(of(0, flaw.offsets(), format!("{at} are in two pages: they were carried twice")));
    }
    if *counted > flaw.offsets() {
        return Some(of(flaw.offsets(), *counted, format!("{at} are counted as {counted} messages")));
    }
    let found = found.filter(|found| found > counted)?;
    Some(of(found, *counted, format!("{at} hold {found} messages, of which the pages count {counted}")))
}
