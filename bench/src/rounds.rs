//! Whose turn it is, and what many turns amount to. Pure, but for the turns themselves.

use serde::Serialize;
use std::time::Duration;
use tokio::time::Instant;
use tracker_cli::Failure;

/// Who is measured, where there are two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Tracker.
    Ours,
    /// What it is compared with.
    Reference,
}

/// Both.
pub const BOTH: [Side; 2] = [Side::Ours, Side::Reference];

/// How many rounds there are: one at least, and then as many as there is time for.
#[derive(Debug, Clone, Copy)]
pub struct Rounds {
    /// At most.
    pub most: usize,
    /// By then the last one is to have ended.
    pub until: Instant,
}

impl Rounds {
    /// Whether another one may begin after so many, of which the longest took so long.
    fn has_time(self, done: usize, longest: Duration) -> bool {
        done == 0 || (done < self.most && Instant::now() + longest <= self.until)
    }
}

/// Gives each side its turn in each round, and what its turns gave: A B C, C B A, A B C …, so that none is always the first,
/// and a machine that becomes slower, or warmer, harms all alike.
///
/// # Errors
/// The first turn that failed.
pub async fn in_turns<S: Copy, T, const N: usize>(
    rounds: Rounds,
    sides: [S; N],
    mut turn: impl AsyncFnMut(S) -> Result<T, Failure>,
) -> Result<[Vec<T>; N], Failure> {
    let mut given = [const { Vec::new() }; N];
    let (mut done, mut longest) = (0, Duration::ZERO);
    while rounds.has_time(done, longest) {
        let began = Instant::now();
        let mut places: Vec<_> = sides.iter().zip(given.iter_mut()).collect();
        if done % 2 == 1 {
            places.reverse();
        }
        for (side, turns) in places {
            turns.push(turn(*side).await?);
        }
        longest = longest.max(began.elapsed());
        done += 1;
    }
    Ok(given)
}

/// What several turns gave.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The middle one.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

/// `None`: there was no turn.
pub fn spread(values: &[f64]) -> Option<Spread> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (least, most) = (*sorted.first()?, *sorted.last()?);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get((sorted.len() - 1) / 2)?;
    Some(Spread { median: f64::midpoint(lower, upper), least, most })
}

/// The middle one; zero, where there is none.
pub fn median(values: &[f64]) -> f64 {
    spread(values).map_or(0.0, |spread| spread.median)
}

/// The middle one of a figure that each turn gave.
pub fn median_of<T>(turns: &[T], figure: impl Fn(&T) -> f64) -> f64 {
    median(&turns.iter().map(figure).collect::<Vec<_>>())
}

/// Round by round, what `combine` makes of both sides.
pub fn pairwise(ours: &[f64], reference: &[f64], combine: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    ours.iter().zip(reference).map(|(ours, reference)| combine(*ours, *reference)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(most: usize) -> Rounds {
        Rounds { most, until: Instant::now() + Duration::from_secs(60) }
    }

    #[tokio::test]
    async fn each_side_is_first_in_every_other_round_and_a_round_stands_at_one_place() {
        let mut turns = Vec::new();
        let turn = async |side: char| {
            turns.push(side);
            Ok(turns.len())
        };
        let [a, b, c] = in_turns(rounds(3), ['a', 'b', 'c'], turn).await.unwrap();
        assert_eq!(turns.iter().collect::<String>(), "abccbaabc");
        assert_eq!((a, b, c), (vec![1, 6, 7], vec![2, 5, 8], vec![3, 4, 9]));
    }

    #[tokio::test]
    async fn a_turn_that_fails_ends_it() {
        let turn = async |side| if side == Side::Ours { Ok(()) } else { Err(Failure::Told) };
        assert!(in_turns(rounds(2), BOTH, turn).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn no_round_begins_that_would_not_end_in_time_but_the_first() {
        async fn long(span: u64) -> Result<(), Failure> {
            tokio::time::sleep(Duration::from_secs(span)).await;
            Ok(())
        }
        let [turns] = in_turns(rounds(9), [25], long).await.unwrap();
        assert_eq!(turns.len(), 2, "60 s are two of 25, and no third");
        let [turns] = in_turns(rounds(9), [100], long).await.unwrap();
        assert_eq!(turns.len(), 1);
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(spread(&[4.0, 1.0, 3.0, 2.0]), Some(Spread { median: 2.5, least: 1.0, most: 4.0 }));
        assert_eq!(spread(&[7.0]), Some(Spread { median: 7.0, least: 7.0, most: 7.0 }));
        assert_eq!((spread(&[]), median(&[])), (None, 0.0));
        assert_eq!(median_of(&["a", "bcd", "ef"], |text| text.len() as f64), 2.0);
    }

    #[test]
    fn a_ratio_is_taken_within_its_round() {
        assert_eq!(pairwise(&[1.0, 8.0], &[2.0, 4.0], |ours, reference| ours / reference), [0.5, 2.0]);
    }
}
