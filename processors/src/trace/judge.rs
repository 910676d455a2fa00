//! What became of each message, by what was found. Pure.

use super::found::{Copy, Fate, Findings, Letter, Reached, Trace, Verdict};
use tracker_schemas::Topic;
use tracker_stream::transact::DUPLICATE;

/// The answer.
pub(super) fn judge(findings: Findings) -> Trace {
    let fates: Vec<Fate> = findings.copies.iter().map(|copy| findings.fate(copy)).collect();
    let verdict = findings.verdict(&fates);
    let Findings { id, stored, letters, copies, since, searched, .. } = findings;
    let messages = copies.into_iter().zip(fates).map(|(copy, fate)| Copy { fate, ..copy }).collect();
    Trace { id, verdict, stored, dead: letters, messages, since, searched }
}

impl Findings {
    fn verdict(&self, fates: &[Fate]) -> Verdict {
        if !self.stored.is_empty() {
            Verdict::Stored
        } else if fates.iter().any(|fate| matches!(fate, Fate::Waiting { .. })) {
            Verdict::Waiting
        } else if !self.letters.is_empty() {
            Verdict::Dead
        } else if !fates.is_empty() {
            Verdict::Gone
        } else {
            Verdict::Unknown
        }
    }

    /// What stands behind a message first; then whether anybody has read it; only then that a rule dropped it.
    fn fate(&self, copy: &Copy) -> Fate {
        if let Some(row) = self.stored.iter().find(|row| copy.is_of(row) || self.is_first_of(copy, row)) {
            return Fate::Stored { table: row.table.clone() };
        }
        if let Some(letter) = self.letters.iter().find(|letter| copy.is_in(letter)) {
            return Fate::Dead { letter: letter.letter };
        }
        if let Some(next) = self.copies.iter().find(|next| copy.became(next)) {
            return Fate::CarriedOn { to_partition: next.partition, to_offset: next.offset };
        }
        let reached = self.reached.iter().find(|reached| reached.topic == copy.topic);
        if let Some(waiting) = reached.and_then(|reached| reached.waits(copy)) {
            return waiting;
        }
        match self.first_of(copy) {
            Some(first) => Fate::Dropped { reason: DUPLICATE, of: first },
            None => Fate::Gone,
        }
    }

    /// Whether `row` does not say what it was made of (its event was sent again from the dead letters on its way), and this
    /// copy came before all others.
    fn is_first_of(&self, copy: &Copy, row: &super::Stored) -> bool {
        let is_event = row.table == "events" && copy.topic == Topic::Events.name();
        is_event && row.raw_offset.is_none() && self.first_of(copy).is_none()
    }

    /// The offset of the copy that came before it, where repeats are dropped.
    fn first_of(&self, copy: &Copy) -> Option<i64> {
        if copy.redrive.is_some() || copy.topic == Topic::Enriched.name() {
            return None;
        }
        let read =
            self.copies.iter().filter(|other| other.topic == copy.topic && other.partition == copy.partition);
        let read = read.map(|other| other.offset);
        // A row or a letter tells of a copy that retention may have taken from the topic.
        let rows = self.stored.iter().filter_map(|row| match copy.topic {
            "payments" => Some((row.partition, row.offset)),
            _ => Some((row.raw_partition?, row.raw_offset?)),
        });
        let rows = rows.filter(|(partition, _)| *partition == copy.partition).map(|(_, offset)| offset);
        read.chain(rows).filter(|offset| *offset < copy.offset).min()
    }
}

impl Copy {
    fn stands_at(&self, partition: Option<i32>, offset: Option<i64>) -> bool {
        partition == Some(self.partition) && offset == Some(self.offset)
    }

    fn is_of(&self, row: &super::Stored) -> bool {
        match (self.topic, row.table.as_str()) {
            ("events", "events") => self.stands_at(row.raw_partition, row.raw_offset),
            ("enriched", "events") | ("payments", "payments") => {
                self.stands_at(Some(row.partition), Some(row.offset))
            }
            _ => false,
        }
    }

    fn is_in(&self, letter: &Letter) -> bool {
        letter.topic == self.topic && self.stands_at(Some(letter.partition), Some(letter.offset))
    }

    fn became(&self, next: &Self) -> bool {
        self.topic == Topic::Events.name()
            && next.topic == Topic::Enriched.name()
            && next.made_of == Some((self.partition, self.offset))
    }
}

impl Reached {
    fn waits(&self, copy: &Copy) -> Option<Fate> {
        let (_, next) = self.next.iter().find(|(partition, _)| *partition == copy.partition)?;
        let next = next.unwrap_or(0);
        let waiting = Fate::Waiting { group: self.group.clone(), behind: copy.offset - next };
        (copy.offset >= next).then_some(waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Stored;
    use tracker_schemas::Timestamp;
    use uuid::Uuid;

    fn copy(topic: &'static str, offset: i64) -> Copy {
        Copy {
            topic,
            partition: 0,
            offset,
            received_at: Timestamp(0),
            edge: None,
            oid: None,
            redrive: None,
            made_of: None,
            fate: Fate::Gone,
        }
    }

    fn row(table: &str, offset: i64, raw_offset: Option<i64>) -> Stored {
        Stored {
            table: table.to_owned(),
            oid: Uuid::nil(),
            partition: 0,
            offset,
            raw_partition: raw_offset.map(|_| 0),
            raw_offset,
            received_at: Timestamp(0),
            edge: "edge-1".to_owned(),
            token: None,
        }
    }

    fn letter(topic: &str, offset: i64) -> Letter {
        Letter {
            letter: Uuid::from_u128(9),
            failed_at: Timestamp(0),
            origin: "enrich".to_owned(),
            reason: "malformed".to_owned(),
            detail: String::new(),
            topic: topic.to_owned(),
            partition: 0,
            offset,
            received_at: None,
        }
    }

    fn reached(topic: &'static str, next: i64) -> Reached {
        Reached { topic, group: "g".to_owned(), next: vec![(0, Some(next))] }
    }

    fn told(findings: Findings) -> (Verdict, Vec<Fate>) {
        let trace = judge(findings);
        (trace.verdict, trace.messages.into_iter().map(|copy| copy.fate).collect())
    }

    #[test]
    fn nothing_found_is_unknown() {
        assert_eq!(told(Findings::default()), (Verdict::Unknown, vec![]));
    }

    #[test]
    fn the_copy_of_a_row_is_stored_and_one_behind_it_is_a_duplicate() {
        let findings = Findings {
            stored: vec![row("events", 70, Some(5))],
            copies: vec![copy("events", 5), copy("events", 8)],
            reached: vec![reached("events", 9)],
            ..Findings::default()
        };
        let fates =
            vec![Fate::Stored { table: "events".to_owned() }, Fate::Dropped { reason: DUPLICATE, of: 5 }];
        assert_eq!(told(findings), (Verdict::Stored, fates));
    }

    #[test]
    fn a_repeat_that_nobody_has_read_waits_and_is_not_dropped_yet() {
        let findings = Findings {
            stored: vec![row("payments", 5, None)],
            copies: vec![copy("payments", 5), copy("payments", 8)],
            reached: vec![reached("payments", 6)],
            ..Findings::default()
        };
        let (verdict, fates) = told(findings);
        assert_eq!(verdict, Verdict::Stored);
        assert_eq!(fates.last(), Some(&Fate::Waiting { group: "g".to_owned(), behind: 2 }));
    }

    #[test]
    fn what_was_carried_on_waits_for_the_next_reader() {
        let next = Copy { made_of: Some((0, 5)), ..copy("enriched", 70) };
        let findings = Findings {
            copies: vec![copy("events", 5), next],
            reached: vec![reached("events", 6), reached("enriched", 70)],
            ..Findings::default()
        };
        let fates = vec![
            Fate::CarriedOn { to_partition: 0, to_offset: 70 },
            Fate::Waiting { group: "g".to_owned(), behind: 0 },
        ];
        assert_eq!(told(findings), (Verdict::Waiting, fates));
    }

    #[test]
    fn a_letter_tells_of_the_message_that_it_holds_and_of_no_other() {
        let findings = Findings {
            letters: vec![letter("events", 5)],
            copies: vec![copy("events", 5), copy("enriched", 5)],
            reached: vec![reached("events", 6), reached("enriched", 6)],
            ..Findings::default()
        };
        assert_eq!(
            told(findings),
            (Verdict::Dead, vec![Fate::Dead { letter: Uuid::from_u128(9) }, Fate::Gone])
        );
    }

    #[test]
    fn a_message_sent_again_is_no_duplicate() {
        let again = Copy { redrive: Some("letter".to_owned()), ..copy("events", 8) };
        let findings = Findings {
            letters: vec![letter("events", 5)],
            copies: vec![copy("events", 5), again],
            reached: vec![reached("events", 9)],
            ..Findings::default()
        };
        assert_eq!(told(findings).1.last(), Some(&Fate::Gone));
    }
}
