//! What is about to be written, as the broker keeps it: the plan of a range, in the metadata of the group's offset.
//!
//! A plan is committed before its range is written. Whoever has the partition next, after whatever death, finds it and
//! writes the very same range again, under the same name: then the store can tell that it has it. Pure.

use crate::envelope::Message;
use std::{fmt, str::FromStr};

/// One range of one partition that is being written, both ends included.
///
/// As text, which begins with its version: `plan1 100-199@1767225600000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// First offset.
    pub first: i64,
    /// Last offset. Offsets between may be missing: markers of transactions have some.
    pub last: i64,
    /// When the first message was sent, milliseconds since the epoch: offsets start over when a topic is made anew.
    pub first_at_ms: i64,
}

impl Plan {
    /// Whether `first`, which was read first, begins this range. If not, the topic is another one than the plan was
    /// made for, or an operator has set the group's offset: the plan is void.
    #[must_use]
    pub const fn begins_with(&self, first: &Message) -> bool {
        first.offset == self.first && first.timestamp_ms == self.first_at_ms
    }
}

/// The version of the text. A text of another version is no plan: see [`NoPlan`].
const VERSION: &str = "plan1";

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last, first_at_ms } = self;
        write!(f, "{VERSION} {first}-{last}@{first_at_ms}")
    }
}

/// A text that is no plan: it was written by another version of Tracker, or by hand. Not the same as no text: what it meant
/// must not be passed over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no plan that this version knows")]
pub struct NoPlan(String);

impl FromStr for Plan {
    type Err = NoPlan;

    fn from_str(text: &str) -> Result<Self, NoPlan> {
        let parse = || {
            let (first, rest) = text.strip_prefix(VERSION)?.strip_prefix(' ')?.split_once('-')?;
            let (last, first_at_ms) = rest.split_once('@')?;
            let plan = Self {
                first: first.parse().ok()?,
                last: last.parse().ok()?,
                first_at_ms: first_at_ms.parse().ok()?,
            };
            (0 <= plan.first && plan.first <= plan.last).then_some(plan)
        };
        parse().ok_or_else(|| NoPlan(text.to_owned()))
    }
}

/// Where one partition starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// Its number.
    pub partition: i32,
    /// The group's committed offset: every message before it has its fate. `None`: nothing was ever committed, and it
    /// starts at its beginning.
    pub committed: Option<i64>,
    /// The range that was about to be written when this was committed.
    pub plan: Option<Plan>,
}

impl Start {
    /// A partition of which nothing is known: it starts at its beginning.
    #[must_use]
    pub const fn fresh(partition: i32) -> Self {
        Self { partition, committed: None, plan: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::Headers;
    use proptest::prelude::*;
    use rstest::rstest;

    #[test]
    fn a_plan_is_one_short_line() {
        let plan = Plan { first: 100, last: 199, first_at_ms: 1_767_225_600_000 };
        assert_eq!(plan.to_string(), "plan1 100-199@1767225600000");
    }

    #[rstest]
    fn what_is_no_plan_is_refused(
        #[values(
            "",
            "plan1",
            "plan2 1-2@3",
            "plan1 2-1@3",
            "plan1 -1-2@3",
            "plan1 1-2",
            "plan1 1-2@3 ",
            "offsets"
        )]
        text: &str,
    ) {
        assert_eq!(text.parse::<Plan>(), Err(NoPlan(text.to_owned())));
    }

    #[rstest]
    #[case::the_same(5, 7, true)]
    #[case::of_a_topic_made_anew(5, 8, false)]
    #[case::behind_a_gap(6, 7, false)]
    fn a_plan_is_void_for_another_first_message(#[case] offset: i64, #[case] at: i64, #[case] begins: bool) {
        let plan = Plan { first: 5, last: 9, first_at_ms: 7 };
        let message = Message {
            topic: "t".into(),
            partition: 0,
            offset,
            timestamp_ms: at,
            key: None,
            payload: Vec::new(),
            headers: Headers::new(),
        };
        assert_eq!(plan.begins_with(&message), begins);
    }

    proptest! {
        #[test]
        fn a_plan_reads_back_as_it_was_written(first in 0..i64::MAX, more in 0..i64::MAX, first_at_ms: i64) {
            let plan = Plan { first, last: first.saturating_add(more), first_at_ms };
            prop_assert_eq!(plan.to_string().parse(), Ok(plan));
        }
    }
}
