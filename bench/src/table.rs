//! The table, for people and for programs. Pure.

use crate::{
    line::{Figure, Goal, Line, Measured},
    rounds::{Spread, pairwise, spread},
};
use serde::Serialize;
use tracker_cli::Failure;
use tracker_stream::clock;

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
    /// What it should be.
    pub goal: Option<String>,
    /// Whether it is; `None`: there is no goal, or no figure.
    pub met: Option<bool>,
    /// What the figures do not say.
    pub note: String,
}

impl Row {
    /// What a line's group has measured for it, or why it has not.
    pub fn of(line: &Line, measured: &Result<Vec<Measured>, String>) -> Self {
        let found = match measured {
            Ok(all) => all.iter().find(|measured| measured.line == line.name).cloned(),
            Err(_) => None,
        };
        let Measured { ours, reference, note, .. } = found.unwrap_or_else(|| {
            let why = measured.as_ref().err().map_or("it was not measured", String::as_str);
            Measured::alone(line.name, Vec::new()).noted(why)
        });
        let judged = |goal: Goal| match goal.figure {
            Figure::Ratio => spread(&pairwise(&ours, &reference, |ours, other| ours / other)),
            Figure::Difference => spread(&pairwise(&ours, &reference, |ours, other| ours - other)),
            Figure::Ours => spread(&ours),
        };
        Self {
            name: line.name,
            what: line.what,
            unit: line.unit,
            ours: spread(&ours),
            reference: spread(&reference),
            ratio: spread(&pairwise(&ours, &reference, |ours, other| ours / other)),
            goal: line.goal.map(|goal| goal.to_string()),
            met: line.goal.and_then(|goal| Some(goal.is_met(judged(goal)?.median))),
            note,
        }
    }

    /// Whether there is a figure, or a note why there cannot be one.
    pub fn is_measured(&self) -> bool {
        self.ours.is_some()
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
            or_dash(self.met.map(|met| if met { "yes".to_owned() } else { "NO".to_owned() })),
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
    let notes = rows.iter().filter(|row| !row.note.is_empty());
    let notes: Vec<String> = notes.map(|row| format!("{}: {}", row.name, row.note)).collect();
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

/// The table as JSON.
///
/// # Errors
/// None that is known.
pub fn json(rows: &[Row], commit: &str, quick: bool) -> Result<String, Failure> {
    #[derive(Serialize)]
    struct Told<'a> {
        commit: &'a str,
        quick: bool,
        at_ms: i64,
        cores: usize,
        lines: &'a [Row],
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let told = Told { commit, quick, at_ms: clock::now_ms(), cores, lines: rows };
    serde_json::to_string_pretty(&told).map_err(|error| Failure::Io(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COST: Line =
        Line { name: "a cost", what: "work / other work", unit: "µs", goal: Goal::ratio_at_most(0.9) };
    const TIME: Line = Line { name: "a time", what: "a start", unit: "ms", goal: Goal::at_most(300.0) };
    const WAIT: Line =
        Line { name: "a wait", what: "a wait", unit: "ms", goal: Goal::difference_at_most(1.0) };

    fn row(line: &Line, ours: &[f64], reference: &[f64]) -> Row {
        Row::of(line, &Ok(vec![Measured::both(line.name, ours.to_vec(), reference.to_vec())]))
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
        let failed = Row::of(&COST, &Err("the broker is away".to_owned()));
        assert_eq!(
            (failed.is_measured(), failed.met, failed.note.as_str()),
            (false, None, "the broker is away")
        );
        assert!(!Row::of(&COST, &Ok(Vec::new())).note.is_empty());
        let unbuilt = Row::of(&COST, &Ok(vec![Measured::alone(COST.name, vec![3.0]).noted("not built")]));
        assert_eq!((unbuilt.is_measured(), unbuilt.met), (true, None));
    }

    #[test]
    fn the_columns_stand_below_each_other_and_notes_below_them() {
        let rows = [row(&COST, &[18.0], &[33.1]), Row::of(&TIME, &Err("no".to_owned()))];
        let told = text(&rows);
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(
            lines,
            [
                "what    ours     reference  ratio  spread     goal     met",
                "a cost  18.0 µs  33.1 µs    0.54   0.54–0.54  × ≤ 0.9  yes",
                "a time  –        –          –      –          ≤ 300    –",
                "",
                "a time: no",
            ]
        );
    }

    #[test]
    fn numbers_are_as_long_as_they_must_be() {
        let told = [0.0, 0.01234, 0.567, 4.567, 45.67, 456.7, 212_345.6].map(short);
        assert_eq!(told, ["0", "0.0123", "0.57", "4.57", "45.7", "457", "212346"]);
    }

    #[test]
    fn programs_are_told_the_same() {
        let told = json(&[row(&COST, &[1.0], &[2.0])], "abc", true).unwrap();
        let value: serde_json::Value = serde_json::from_str(&told).unwrap();
        assert_eq!((value["commit"].as_str(), value["quick"].as_bool()), (Some("abc"), Some(true)));
        assert_eq!(value["lines"][0]["ratio"]["median"], 0.5);
        assert_eq!(value["lines"][0]["met"], true);
    }
}
