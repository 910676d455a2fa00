//! Whose turn it is, and what many turns amount to. Pure, but for the turns themselves.

use serde::Serialize;
use tracker_cli::Failure;

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Tracker.
    Ours,
    /// What it is compared with.
    Reference,
}

/// A B B A A B …: neither side is always the first of its round, so that a machine that becomes slower, or warmer,
/// harms both alike.
pub fn order(rounds: usize) -> impl Iterator<Item = Side> {
    (0..rounds).flat_map(|round| {
        if round % 2 == 0 { [Side::Ours, Side::Reference] } else { [Side::Reference, Side::Ours] }
    })
}

/// Gives each side its turns, and what each turn gave: of the same round at the same place.
///
/// # Errors
/// The first turn that failed.
pub async fn interleave<A, B>(
    rounds: usize,
    mut ours: impl AsyncFnMut() -> Result<A, Failure>,
    mut reference: impl AsyncFnMut() -> Result<B, Failure>,
) -> Result<(Vec<A>, Vec<B>), Failure> {
    let (mut of_ours, mut of_reference) = (Vec::new(), Vec::new());
    for side in order(rounds) {
        match side {
            Side::Ours => of_ours.push(ours().await?),
            Side::Reference => of_reference.push(reference().await?),
        }
    }
    Ok((of_ours, of_reference))
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

/// Round by round, what `combine` makes of both sides.
pub fn pairwise(ours: &[f64], reference: &[f64], combine: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    ours.iter().zip(reference).map(|(ours, reference)| combine(*ours, *reference)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Side::{Ours, Reference};

    #[test]
    fn each_side_is_first_in_every_other_round() {
        let turns: Vec<Side> = order(3).collect();
        assert_eq!(turns, [Ours, Reference, Reference, Ours, Ours, Reference]);
    }

    #[tokio::test]
    async fn what_was_measured_in_one_round_stands_at_one_place() {
        let turns = std::cell::Cell::new(0);
        let turn = || {
            turns.set(turns.get() + 1);
            turns.get()
        };
        let (ours, reference) = interleave(3, async || Ok(turn()), async || Ok(turn())).await.unwrap();
        assert_eq!((ours, reference), (vec![1, 4, 5], vec![2, 3, 6]));
    }

    #[tokio::test]
    async fn a_turn_that_fails_ends_it() {
        let fails = async || Err::<(), _>(Failure::Told);
        assert!(interleave(2, async || Ok(()), fails).await.is_err());
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(spread(&[4.0, 1.0, 3.0, 2.0]), Some(Spread { median: 2.5, least: 1.0, most: 4.0 }));
        assert_eq!(spread(&[7.0]), Some(Spread { median: 7.0, least: 7.0, most: 7.0 }));
        assert_eq!(spread(&[]), None);
    }

    #[test]
    fn a_ratio_is_taken_within_its_round() {
        assert_eq!(pairwise(&[1.0, 8.0], &[2.0, 4.0], |ours, reference| ours / reference), [0.5, 2.0]);
    }
}
