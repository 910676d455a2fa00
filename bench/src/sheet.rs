//! What a group is asked for, and what it has found.

use crate::{
    bench::Extent,
    line::{Group, Measured, Share},
    rounds::{Rounds, median},
    table::Row,
};
use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::Instant;

/// What is measured of that which `tracker plan` reckons with. In JSON it has the name by which that knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cost {
    /// CPU of the edge for an event.
    EdgeUs,
    /// CPU of the broker for an event.
    BrokerUs,
    /// CPU of enrich for an event.
    EnrichUs,
    /// CPU of load for a row.
    LoadUs,
    /// CPU of ClickHouse for a row.
    ClickhouseUs,
    /// Events a second that go through one partition.
    PartitionRate,
    /// Bytes of an event in the topic `events`.
    RawBytes,
    /// Bytes of an event in the topic `enriched`.
    EnrichedBytes,
    /// Bytes that load sends for a row.
    InsertBytes,
    /// Bytes of a row on disk.
    RowBytes,
}

/// What single events cost.
pub type Costs = BTreeMap<Cost, f64>;

/// A group's sheet.
pub struct Sheet {
    /// How much it is to measure.
    pub extent: Extent,
    /// In how many rounds.
    pub rounds: Rounds,
    measured: Vec<Measured>,
    costs: Costs,
}

impl Sheet {
    /// An empty one. The group's time begins.
    pub fn new(extent: Extent, share: Share) -> Self {
        let until = Instant::now() + extent.of(share);
        let rounds = Rounds { most: extent.rounds, until };
        Self { extent, rounds, measured: Vec::new(), costs: Costs::new() }
    }

    /// The rounds of the first of two that share the group's time: those of the other have what is left.
    pub fn first_half(&self) -> Rounds {
        let now = Instant::now();
        Rounds { until: now + self.rounds.until.saturating_duration_since(now) / 2, ..self.rounds }
    }

    /// Puts a line on it.
    pub fn put(&mut self, measured: Measured) {
        self.measured.push(measured);
    }

    /// Notes what an event costs, by the rounds of it. A cost of nothing was not measured.
    pub fn cost(&mut self, name: Cost, rounds: &[f64]) {
        let cost = median(rounds);
        if cost.is_finite() && cost > 0.0 {
            self.costs.insert(name, cost);
        }
    }

    /// The time that the group may take before it is given up: some can be longer than its share, none for ever.
    pub fn patience(&self) -> Duration {
        const OVER: u32 = 3;
        const AND: Duration = Duration::from_secs(120);
        self.rounds.until.saturating_duration_since(Instant::now()) * OVER + AND
    }

    /// A row for each line of the group, and the costs. A line that is not on the sheet has failed with its group.
    pub fn rows(self, group: &Group, ended: &Result<(), String>) -> (Vec<Row>, Costs) {
        let why = ended.as_ref().err().map_or("it was not measured", String::as_str);
        let of = |name| self.measured.iter().find(|measured| measured.line == name);
        let rows = group.lines.iter().map(|line| match of(line.name) {
            Some(measured) => Row::of(line, measured),
            None => Row::of(line, &Measured::failed(line.name, why)),
        });
        (rows.collect(), self.costs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::Line;
    use tracker_cli::plan::cost::COSTS;

    const LINES: [Line; 2] = [
        Line { name: "one", what: "", unit: "µs", goal: None },
        Line { name: "other", what: "", unit: "µs", goal: None },
    ];
    const GROUP: Group = Group {
        name: "both",
        lines: &LINES,
        share: Share { full: 2, quick: 1 },
        measure: |_, _| Box::pin(async { Ok(()) }),
    };

    #[test]
    fn what_was_measured_before_a_failure_stays_and_the_rest_says_why_it_is_not_there() {
        let mut sheet = Sheet::new(Extent::quick(), GROUP.share);
        sheet.put(Measured::alone("one", vec![3.0]));
        let (rows, _) = sheet.rows(&GROUP, &Err("the disk is full".to_owned()));
        let told: Vec<_> = rows.iter().map(|row| (row.is_measured(), row.error.as_deref())).collect();
        assert_eq!(told, [(true, None), (false, Some("the disk is full"))]);
    }

    #[test]
    fn a_line_that_was_forgotten_is_not_taken_for_measured() {
        let (rows, costs) = Sheet::new(Extent::quick(), GROUP.share).rows(&GROUP, &Ok(()));
        assert!(rows.iter().all(|row| row.error.is_some()) && rows.len() == 2 && costs.is_empty());
    }

    #[test]
    fn a_cost_is_the_median_of_its_rounds_and_never_nothing() {
        let mut sheet = Sheet::new(Extent::full(), GROUP.share);
        sheet.cost(Cost::LoadUs, &[9.0, 7.0, 8.0]);
        sheet.cost(Cost::RawBytes, &[]);
        sheet.cost(Cost::RowBytes, &[f64::NAN]);
        let (_, costs) = sheet.rows(&GROUP, &Ok(()));
        assert_eq!(costs, Costs::from([(Cost::LoadUs, 8.0)]));
    }

    #[test]
    fn every_cost_is_one_that_the_plan_asks_for() {
        use Cost::*;
        let all = [
            EdgeUs,
            BrokerUs,
            EnrichUs,
            LoadUs,
            ClickhouseUs,
            PartitionRate,
            RawBytes,
            EnrichedBytes,
            InsertBytes,
            RowBytes,
        ];
        let json = serde_json::to_value(Costs::from(all.map(|cost| (cost, 1.0)))).unwrap();
        let named = |name: &String| COSTS.iter().any(|cost| cost.name == name);
        let names = json.as_object().unwrap();
        assert!(names.len() == all.len() && names.keys().all(named), "{names:?}");
    }
}
