//! Where a replay begins and ends, as people say it.

use crate::moment;
use std::collections::BTreeMap;
use tracker_processors::replay::Bound;
use tracker_schemas::Timestamp;

/// Milliseconds since 1970 of any time that a topic could hold; smaller numbers were meant as something else.
const LEAST_MS: i64 = 1_000_000_000_000;

const WANTED: &str = "must be start, end, a time such as 2026-11-24T08:00:00Z, milliseconds since 1970, a span ago such as 2h, \
    or offsets such as 0:1200,1:1180";

/// Reads it.
///
/// # Errors
/// Words for what it should be.
pub fn parse(text: &str, now_ms: i64) -> Result<Bound, String> {
    let bound = match (text, text.parse::<i64>(), moment::parse(text, now_ms)) {
        ("start", ..) => Some(Bound::Beginning),
        ("end", ..) => Some(Bound::End),
        (_, Ok(number), _) => (number >= LEAST_MS).then_some(Bound::At(number)),
        (.., Ok(Timestamp(ms))) => Some(Bound::At(ms.max(0))),
        _ => offsets(text).map(Bound::Offsets),
    };
    bound.ok_or_else(|| WANTED.to_owned())
}

/// Reads `partition:offset,…`, each partition once.
fn offsets(text: &str) -> Option<BTreeMap<i32, i64>> {
    let mut offsets = BTreeMap::new();
    for pair in text.split(',') {
        let (partition, offset) = pair.trim().split_once(':')?;
        let (partition, offset) = (partition.parse().ok()?, offset.parse().ok()?);
        if offset < 0 || offsets.insert(partition, offset).is_some() {
            return None;
        }
    }
    Some(offsets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("start", Bound::Beginning)]
    #[case("end", Bound::End)]
    #[case("2026-11-24T08:00:00Z", Bound::At(1_795_507_200_000))]
    #[case("1795507200000", Bound::At(1_795_507_200_000))]
    #[case("2h", Bound::At(1_800_000_000_000 - 7_200_000))]
    #[case("30000d", Bound::At(0))]
    #[case("0:12", Bound::Offsets([(0, 12)].into()))]
    #[case("2:7, 0:12", Bound::Offsets([(0, 12), (2, 7)].into()))]
    fn a_bound_is_a_place_a_time_or_offsets(#[case] text: &str, #[case] bound: Bound) {
        assert_eq!(parse(text, 1_800_000_000_000), Ok(bound));
    }

    #[rstest]
    fn what_is_no_bound_is_refused(
        #[values("", "yesterday", "1200", "-5", "1795507200", "0:", "0:-1", "0:1,0:2", "0:1,")] text: &str,
    ) {
        assert!(parse(text, 1_800_000_000_000).unwrap_err().contains("0:1200,1:1180"));
    }
}
