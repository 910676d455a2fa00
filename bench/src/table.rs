//! The table, for people and for programs. Pure.

use crate::{
    line::{Figure, Goal, Line, Measured},
    rounds::{Spread, pairwise, spread},
    sheet::Costs,
};
use serde::Serialize;
use tracker_cli::Failure;

/// A line with its figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The line's name.
    pub name: &'static str,
    /// What it measures.
    pub what: &'static str,
    /// What both sides are measured in.
    pub unit: &'static str,
    /// Ours.
    pub ours: Option<Spread>,
    /// The reference's.
    pub reference: Option<Spread>,
    /// Of the rounds, each by itself.
    pub ratio: Option<Spread>,
    /// How many of them.
    pub rounds: usize,
    /// What it should be.
    pub goal: Option<String>,
    /// Whether it is; `None`: there is no goal, or no figure.
    pub met: Option<bool>,
    /// What the figures do not say.
    pub note: String,
    /// Why there are none.
    pub error: Option<String>,
}

impl Row {
    /// What was measured for a line.
    pub fn of(line: &Line, measured: &Measured) -> Self {
        let Measured { ours, reference, note, error, .. } = measured;
        let judged = |goal: Goal| match goal.figure {
            Figure::Ratio => spread(&pairwise(ours, reference, |ours, other| ours / other)),
            Figure::Difference => spread(&pairwise(ours, reference, |ours, other| ours - other)),
            Figure::Ours => spread(ours),
        };
        Self {
            name: line.name,
            what: line.what,
            unit: line.unit,
            ours: spread(ours),
            reference: spread(reference),
            ratio: spread(&pairwise(ours, reference, |ours, other| ours / other)),
            rounds: ours.len(),
            goal: line.goal.map(|goal| goal.to_string()),
            met: line.goal.and_then(|goal| Some(goal.is_met(judged(goal)?.median))),
            note: note.clone(),
            error: error.clone(),
        }
    }

    /// Whether there is a figure. A goal that is missed is one; a note that says why there is none is not.
    pub fn is_measured(&self) -> bool {
        self.ours.is_some()
    }

    /// For those who wait for the table.
    pub fn brief(&self) -> String {
        self.cells().join("  ")
    }

    /// What stands below the table.
    fn said(&self) -> Option<String> {
        match &self.error {
            Some(error) => Some(format!("{} FAILED: {error}", self.name)),
            None if self.note.is_empty() => None,
            None => Some(format!("{}: {}", self.name, self.note)),
        }
    }

    fn cells(&self) -> [String; 7] {
        let with_unit =
            |spread: Spread| format!("{} {}", short(spread.median), self.unit).trim_end().to_owned();
        let range = |spread: Spread| format!("{}–{}", short(spread.least), short(spread.most));
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
        [
            self.name.to_owned(),
            or_dash(self.ours.map(with_unit)),
            or_dash(self.reference.map(with_unit)),
            or_dash(self.ratio.map(|ratio| short(ratio.median))),
            or_dash(self.ratio.or(self.ours).map(range)),
            or_dash(self.goal.clone()),
            match (self.met, &self.error) {
                (_, Some(_)) => "FAILED".to_owned(),
                (met, None) => or_dash(met.map(|met| if met { "yes".to_owned() } else { "NO".to_owned() })),
            },
        ]
    }
}

const HEAD: [&str; 7] = ["what", "ours", "reference", "ratio", "spread", "goal", "met"];

/// The table, and below it the notes.
pub fn text(rows: &[Row]) -> String {
    let head = HEAD.map(str::to_owned);
    let cells: Vec<[String; 7]> = std::iter::once(head).chain(rows.iter().map(Row::cells)).collect();
    let widths: Vec<usize> = (0..HEAD.len())
        .map(|column| {
            cells.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max().unwrap_or(0)
        })
        .collect();
    let lines = cells.iter().map(|row| {
        let padded = row.iter().zip(&widths).map(|(cell, wide)| {
            let space = " ".repeat(wide.saturating_sub(width(cell)));
            format!("{cell}{space}")
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    let notes: Vec<String> = rows.iter().filter_map(Row::said).collect();
    let mut all: Vec<String> = lines.collect();
    if !notes.is_empty() {
        all.push(String::new());
        all.extend(notes);
    }
    all.join("\n")
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// Three digits that count, and no more than a reader wants: `0.0123`, `4.56`, `78.9`, `1234`.
fn short(number: f64) -> String {
    let size = number.abs();
    let places = match size {
        _ if size >= 100.0 || size == 0.0 => 0,
        _ if size >= 10.0 => 1,
        _ if size >= 0.1 => 2,
        _ => 4,
    };
    format!("{number:.places$}")
}

/// All that a run has found. Its JSON is for programs to read: `bench/README.md` says what each part is.
#[derive(Debug, Serialize)]
pub struct Told<'a> {
    /// The commit that was measured, where one was named.
    pub commit: &'a str,
    /// Whether it was a quick run.
    pub quick: bool,
    /// When it ended, milliseconds since 1970.
    pub at_ms: i64,
    /// Cores of the machine.
    pub cores: usize,
    /// How long it took.
    pub seconds: u64,
    /// The table.
    pub lines: &'a [Row],
    /// What single events cost: `tracker plan --measured` reads it.
    pub costs: &'a Costs,
}

impl Told<'_> {
    /// As JSON.
    ///
    /// # Errors
    /// None that is known.
    pub fn json(&self) -> Result<String, Failure> {
        serde_json::to_string_pretty(self).map_err(|error| Failure::Io(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::Cost;

    const COST: Line =
        Line { name: "a cost", what: "work / other work", unit: "µs", goal: Goal::ratio_at_most(0.9) };
    const TIME: Line = Line { name: "a time", what: "a start", unit: "ms", goal: Goal::at_most(300.0) };
    const WAIT: Line =
        Line { name: "a wait", what: "a wait", unit: "ms", goal: Goal::difference_at_most(1.0) };

    fn row(line: &Line, ours: &[f64], reference: &[f64]) -> Row {
        Row::of(line, &Measured::both(line.name, ours.to_vec(), reference.to_vec()))
    }

    fn failed(line: &Line, why: &str) -> Row {
        Row::of(line, &Measured::failed(line.name, why))
    }

    #[test]
    fn a_goal_is_met_by_the_median_of_the_rounds() {
        let costs = row(&COST, &[1.0, 8.0, 3.0], &[2.0, 10.0, 3.0]);
        assert_eq!(costs.ratio, Some(Spread { median: 0.8, least: 0.5, most: 1.0 }));
        assert_eq!(costs.met, Some(true));
        assert_eq!(row(&WAIT, &[2.0, 9.0], &[1.5, 6.5]).met, Some(false));
        assert_eq!(row(&TIME, &[299.0], &[]).met, Some(true));
    }

    #[test]
    fn a_line_without_figures_says_why_and_is_not_met() {
        let failed = failed(&COST, "the broker is away");
        let error = failed.error.as_deref();
        assert_eq!((failed.is_measured(), failed.met, error), (false, None, Some("the broker is away")));
        let unbuilt = Row::of(&COST, &Measured::alone(COST.name, vec![3.0]).noted("not built"));
        assert_eq!((unbuilt.is_measured(), unbuilt.met), (true, None));
    }

    #[test]
    fn the_columns_stand_below_each_other_and_notes_below_them() {
        let noted = Row { note: "at night".to_owned(), ..row(&COST, &[18.0], &[33.1]) };
        let told = text(&[noted, failed(&TIME, "no")]);
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(
            lines,
            [
                "what    ours     reference  ratio  spread     goal     met",
                "a cost  18.0 µs  33.1 µs    0.54   0.54–0.54  × ≤ 0.9  yes",
                "a time  –        –          –      –          ≤ 300    FAILED",
                "",
                "a cost: at night",
                "a time FAILED: no",
            ]
        );
    }

    #[test]
    fn a_line_is_told_by_itself_while_others_are_measured() {
        assert_eq!(
            row(&COST, &[18.0], &[33.1]).brief(),
            "a cost  18.0 µs  33.1 µs  0.54  0.54–0.54  × ≤ 0.9  yes"
        );
    }

    #[test]
    fn numbers_are_as_long_as_they_must_be() {
        let told = [0.0, 0.01234, 0.567, 4.567, 45.67, 456.7, 212_345.6].map(short);
        assert_eq!(told, ["0", "0.0123", "0.57", "4.57", "45.7", "457", "212346"]);
    }

    #[test]
    fn programs_are_told_the_same_and_the_costs_as_a_plan_reads_them() {
        let (rows, costs) = ([row(&COST, &[1.0], &[2.0])], Costs::from([(Cost::LoadUs, 7.5)]));
        let told =
            Told { commit: "abc", quick: true, at_ms: 1, cores: 2, seconds: 3, lines: &rows, costs: &costs };
        let told = told.json().unwrap();
        let value: serde_json::Value = serde_json::from_str(&told).unwrap();
        assert_eq!((value["commit"].as_str(), value["quick"].as_bool()), (Some("abc"), Some(true)));
        assert_eq!(value["lines"][0]["ratio"]["median"], 0.5);
        assert_eq!((&value["lines"][0]["met"], &value["lines"][0]["rounds"]), (&true.into(), &1.into()));
        assert_eq!(value["costs"]["load_us"], 7.5);
    }
}
