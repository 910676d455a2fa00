//! A trace in words. Pure.

use tracker_processors::trace::{Copy, Fate, Letter, Searched, Stored, Trace, Verdict};

/// What follows from a table in the same insert.
const BEHIND: [(&str, &str); 2] =
    [("events", "visitors, sessions, dailies, hits"), ("payments", "ltv, ltvu, ltvv")];

/// A line for each thing that is known.
pub fn lines(trace: &Trace) -> Vec<String> {
    let mut lines = vec![format!("{}: {}", trace.id, verdict(trace))];
    lines.extend(trace.messages.iter().map(message));
    lines.extend(trace.stored.iter().map(row));
    lines.extend(trace.dead.iter().map(letter));
    lines.extend(trace.searched.iter().filter(|searched| !searched.whole).map(unread));
    if trace.since.is_none() {
        lines.push("the topics were not read: the id does not say when it was made; --since does".to_owned());
    }
    lines
}

fn verdict(trace: &Trace) -> &'static str {
    match trace.verdict {
        Verdict::Stored if trace.stored.len() > 1 => {
            "stored, in several rows that ClickHouse has yet to merge"
        }
        Verdict::Stored => "stored",
        Verdict::Waiting => "in a topic, not read yet",
        Verdict::Dead => "a dead letter",
        Verdict::Gone => "was read, and is in no table now: replaced, pruned or erased",
        Verdict::Unknown => "never seen, or older than what is kept",
    }
}

fn message(copy: &Copy) -> String {
    let Copy { topic, partition, offset, received_at, edge, redrive, fate, .. } = copy;
    let edge = edge.as_ref().map_or_else(String::new, |edge| format!(" by edge {edge}"));
    let again =
        redrive.as_ref().map_or_else(String::new, |letter| format!(", sent again from letter {letter}"));
    let fate = match fate {
        Fate::Stored { table } => format!("its row is in {table}"),
        Fate::CarriedOn { to_partition, to_offset } => {
            format!("carried on to enriched:{to_partition}:{to_offset}")
        }
        Fate::Dead { letter } => format!("dead letter {letter}"),
        Fate::Dropped { reason, of } => format!("dropped as {reason} of offset {of}"),
        Fate::Waiting { group, behind } => format!("waits for group {group}, behind {behind} messages"),
        Fate::Gone => "was read; nothing of it is found behind".to_owned(),
    };
    format!("  received {received_at}{edge} at {topic}:{partition}:{offset}{again}: {fate}")
}

fn row(stored: &Stored) -> String {
    let Stored { table, partition, offset, received_at, edge, token, .. } = stored;
    let behind = BEHIND.iter().find(|(name, _)| name == table).map_or("", |(_, behind)| behind);
    let token = token.as_deref().unwrap_or("which the ledger does not name yet");
    format!(
        "  stored in {table} (and {behind}) by the insert {token}: received {received_at} by edge {edge}, read at {partition}:{offset}"
    )
}

fn letter(letter: &Letter) -> String {
    let Letter { letter, failed_at, origin, reason, detail, topic, partition, offset, .. } = letter;
    format!(
        "  dead letter {letter}: refused {failed_at} by {origin} at {topic}:{partition}:{offset}: {reason}: {detail}"
    )
}

fn unread(Searched { topic, partition, first, next, .. }: &Searched) -> String {
    format!("  {topic}:{partition} was read from {first} to {next} only; --patience reads on")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracker_schemas::Timestamp;
    use uuid::Uuid;

    #[test]
    fn what_is_known_is_told_in_the_order_in_which_it_happened() {
        let copy = Copy {
            topic: "events",
            partition: 1,
            offset: 7,
            received_at: Timestamp(0),
            edge: Some("edge-1".to_owned()),
            oid: None,
            redrive: None,
            made_of: None,
            fate: Fate::Dropped { reason: "duplicate", of: 5 },
        };
        let trace = Trace {
            id: Uuid::nil(),
            verdict: Verdict::Gone,
            stored: Vec::new(),
            dead: Vec::new(),
            messages: vec![copy],
            since: None,
            searched: vec![Searched { topic: "events", partition: 1, first: 0, next: 9, whole: false }],
        };
        assert_eq!(
            lines(&trace),
            [
                "00000000-0000-0000-0000-000000000000: was read, and is in no table now: replaced, pruned or erased",
                "  received 1970-01-01T00:00:00.000Z by edge edge-1 at events:1:7: dropped as duplicate of offset 5",
                "  events:1 was read from 0 to 9 only; --patience reads on",
                "the topics were not read: the id does not say when it was made; --since does",
            ]
        );
    }
}
