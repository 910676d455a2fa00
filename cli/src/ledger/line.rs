//! A balance as a line of text. Pure.

use tracker_processors::ledger::verify::{Balance, Counts};

/// The line.
pub fn of(balance: &Balance) -> String {
    let Balance { minute, topic, state, counts, .. } = balance;
    let minute = minute.to_string();
    let minute = minute.strip_suffix(":00.000Z").map_or_else(|| minute.clone(), |start| format!("{start}Z"));
    format!("{minute} {topic:<12} {:<15} {}", state.word(), told(topic, counts))
}

fn told(topic: &str, counts: &Counts) -> String {
    let Counts { refused, unkept, kept, spooled, drained, made, read, delivered, dropped, dead, rows, ids } =
        *counts;
    let fates = format!("read {read} = delivered {delivered} + dropped {dropped} + dead {dead}");
    let edge = format!(
        "edge refused {refused}, kept {kept}, spooled {spooled} (drained {drained}), unkept {unkept}; {fates}"
    );
    let stored = if rows == ids { format!("rows {rows}") } else { format!("rows {rows} of {ids} ids") };
    match topic {
        "events" => edge,
        "payments" | "agreements" => format!("{edge}; {stored}"),
        "enriched" => format!("made {made}; {fates}; {stored}"),
        _ => format!("made {made}; {stored}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracker_processors::ledger::verify::State;
    use tracker_schemas::Timestamp;

    fn line(topic: &str, counts: Counts) -> String {
        let minute = Timestamp(1_793_880_060_000);
        of(&Balance { minute, topic: topic.to_owned(), state: State::Balanced, counts, notes: Vec::new() })
    }

    #[test]
    fn a_line_tells_the_balance_of_its_topic() {
        let counts = Counts { kept: 9, refused: 2, read: 9, delivered: 8, dropped: 1, ..Counts::default() };
        assert_eq!(
            line("events", counts),
            "2026-11-05T12:01Z events       balanced        edge refused 2, kept 9, spooled 0 (drained 0), unkept 0; \
             read 9 = delivered 8 + dropped 1 + dead 0"
        );
    }

    #[test]
    fn double_rows_show() {
        let counts = Counts { made: 3, read: 3, delivered: 3, rows: 4, ids: 3, ..Counts::default() };
        assert!(line("enriched", counts).ends_with("dead 0; rows 4 of 3 ids"));
        assert!(line("dead_letters", Counts { rows: 3, ..counts }).ends_with("made 3; rows 3"));
    }
}
