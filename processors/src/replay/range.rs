//! From times and offsets as an operator knows them to fixed ranges of offsets.

use super::state::Counts;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tracker_stream::{
    config::{Mistake, Mistakes},
    kafka::{Admin, KafkaConfig, offsets_at},
    process::Failure,
};

/// One end of what is to be replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// The first message that is still there.
    Beginning,
    /// Behind the last message that is there now.
    End,
    /// The first message of that time or later: milliseconds since the epoch.
    At(i64),
    /// An offset for each partition; others take no part.
    Offsets(BTreeMap<i32, i64>),
}

/// One partition's share of a replay, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// Partition.
    pub partition: i32,
    /// First offset.
    pub first: i64,
    /// The offset after the last.
    pub end: i64,
    /// Every offset before it is done.
    pub next: i64,
    /// What became of those.
    pub counts: Counts,
}

impl Range {
    /// Nothing of it is done.
    #[must_use]
    pub fn new(partition: i32, first: i64, end: i64) -> Self {
        Self { partition, first, end, next: first, counts: Counts::default() }
    }
}

/// Asks the broker once which offsets the bounds mean now.
///
/// # Errors
/// Offsets that the topic does not have; a `to` before the `from`; a broker that does not answer.
pub async fn resolve(
    kafka: &KafkaConfig,
    topic: &str,
    from: &Bound,
    to: &Bound,
) -> Result<Vec<Range>, Failure> {
    let ends = Admin::connect(kafka)?.ends(topic).await?;
    let first = fixed(from, &at(kafka, topic, from).await?, &ends);
    let end = fixed(to, &at(kafka, topic, to).await?, &ends);
    Ok(cut(&ends, &first, &end).map_err(Mistakes::from)?)
}

type Ends = [(i32, i64, i64)];

async fn at(kafka: &KafkaConfig, topic: &str, bound: &Bound) -> Result<BTreeMap<i32, Option<i64>>, Failure> {
    match bound {
        Bound::At(ms) => Ok(offsets_at(kafka, topic, *ms).await?.into_iter().collect()),
        Bound::Beginning | Bound::End | Bound::Offsets(_) => Ok(BTreeMap::new()),
    }
}

/// The bound as offsets; a time after every message is the end.
fn fixed(bound: &Bound, found: &BTreeMap<i32, Option<i64>>, ends: &Ends) -> BTreeMap<i32, i64> {
    let each = |choose: &dyn Fn(i32, i64, i64) -> i64| {
        ends.iter().map(|(partition, low, high)| (*partition, choose(*partition, *low, *high))).collect()
    };
    match bound {
        Bound::Beginning => each(&|_, low, _| low),
        Bound::End => each(&|_, _, high| high),
        Bound::At(_) => each(&|partition, low, high| {
            found.get(&partition).copied().flatten().unwrap_or(high).clamp(low, high)
        }),
        Bound::Offsets(offsets) => offsets.clone(),
    }
}

/// The ranges between both, of the partitions that both name.
pub(super) fn cut(
    ends: &Ends,
    from: &BTreeMap<i32, i64>,
    to: &BTreeMap<i32, i64>,
) -> Result<Vec<Range>, Mistake> {
    for (option, offsets) in [("--from", from), ("--to", to)] {
        for (partition, offset) in offsets {
            let known = ends.iter().find(|(number, _, _)| number == partition);
            let Some((_, low, high)) = known else {
                return Err(Mistake::new(option, format!("names partition {partition}, which there is not")));
            };
            if offset < low || offset > high {
                let detail = format!("names offset {offset}, but partition {partition} has {low} to {high}");
                return Err(Mistake::new(option, detail));
            }
        }
    }
    let both = from.iter().filter_map(|(partition, first)| Some((*partition, *first, *to.get(partition)?)));
    let ranges: Vec<_> = both.map(|(partition, first, end)| Range::new(partition, first, end)).collect();
    match ranges.iter().find(|range| range.first > range.end) {
        Some(Range { partition, first, end, .. }) => {
            let detail = format!("is before --from: partition {partition} would go from {first} to {end}");
            Err(Mistake::new("--to", detail))
        }
        None => Ok(ranges),
    }
}
