//! Which blows fall when: decided by the seed alone. Pure.

use super::{
    part::Part,
    strike::{Deed, Strike},
};
use crate::send::sample::Random;
use std::time::Duration;

/// A blow and its moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Blow {
    /// How much of the load has been answered by then, 0 to 1.
    pub at: f64,
    /// The blow.
    pub strike: Strike,
}

/// What is wanted of a plan.
#[derive(Debug, Clone)]
pub struct Wishes {
    /// The same seed gives the same plan.
    pub seed: u64,
    /// `kill -9`s.
    pub kills: usize,
    /// Other blows: pauses, stops, networks, rebalances.
    pub others: usize,
    /// What they fall on.
    pub parts: Vec<Part>,
}

/// Nothing falls before or after these parts of the load: what is struck should be at work.
const FIRST: u64 = 40;
const LAST: u64 = 960;

/// Draws it; in the order of time.
#[must_use]
pub fn draw(wishes: &Wishes) -> Vec<Blow> {
    let mut random = Random::new(wishes.seed ^ 0xc4a0_5000);
    let mut blows: Vec<Blow> = (0..wishes.kills)
        .filter_map(|index| {
            let part = *wishes.parts.get(index % wishes.parts.len().max(1))?;
            // Every second time, the database dies where it hurts.
            let within = part == Part::Clickhouse && (index / wishes.parts.len()).is_multiple_of(2);
            let deed = if within { Deed::KillInInsert } else { Deed::Kill };
            Some(blow(&mut random, deed, part, 0..1500))
        })
        .collect();
    let others = others(&wishes.parts);
    blows.extend((0..wishes.others).filter_map(|index| {
        let (deed, part) = *others.get(index % others.len().max(1))?;
        let span = match deed {
            // Some are longer than the group's session, so that a member wakes up that was given up.
            Deed::Pause => 1000..9000,
            Deed::Join | Deed::JoinAndDie => 3000..8000,
            _ => 500..5000,
        };
        Some(blow(&mut random, deed, part, span))
    }));
    blows.sort_by(|one, other| one.at.total_cmp(&other.at));
    blows
}

fn blow(random: &mut Random, deed: Deed, part: Part, span: std::ops::Range<u64>) -> Blow {
    let at = (FIRST + random.below(LAST - FIRST)) as f64 / 1000.0;
    let span = Duration::from_millis(span.start + random.below(span.end - span.start));
    Blow { at, strike: Strike { deed, part, span } }
}

/// Every other deed with every part that it can fall on, the parts in turn so that few blows fall on many.
fn others(parts: &[Part]) -> Vec<(Deed, Part)> {
    let networks = [Part::Broker, Part::Clickhouse];
    let kinds: [(Deed, &[Part]); 8] = [
        (Deed::Join, &Part::SHARED),
        (Deed::Pause, &Part::ALL),
        (Deed::Cut, &networks),
        (Deed::Reset, &networks),
        (Deed::Stop, &Part::ALL),
        (Deed::JoinAndDie, &Part::SHARED),
        (Deed::Stall, &networks),
        (Deed::Slow, &networks),
    ];
    let can = |(deed, on): (Deed, &[Part]), round: usize| {
        let on: Vec<Part> = on.iter().copied().filter(|part| parts.contains(part)).collect();
        on.get(round % on.len().max(1)).map(|part| (deed, *part))
    };
    // The parts of one deed are begun at another place than those of the next.
    (0..Part::ALL.len())
        .flat_map(|round| {
            kinds.into_iter().enumerate().filter_map(move |(place, kind)| can(kind, round + place))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn wishes(seed: u64) -> Wishes {
        Wishes { seed, kills: 24, others: 40, parts: Part::ALL.to_vec() }
    }

    #[test]
    fn the_seed_decides() {
        assert_eq!(draw(&wishes(1)), draw(&wishes(1)));
        assert_ne!(draw(&wishes(1)), draw(&wishes(2)));
    }

    #[test]
    fn every_part_is_killed_equally_often_and_every_deed_is_done() {
        let plan = draw(&wishes(7));
        let mut kills: BTreeMap<Part, usize> = BTreeMap::new();
        let mut deeds = BTreeSet::new();
        for blow in &plan {
            deeds.insert(format!("{:?}", blow.strike.deed));
            if matches!(blow.strike.deed, Deed::Kill | Deed::KillInInsert) {
                *kills.entry(blow.strike.part).or_default() += 1;
            }
        }
        assert_eq!(kills, Part::ALL.into_iter().map(|part| (part, 4)).collect());
        assert_eq!(deeds.len(), 10, "{deeds:?}");
        assert!(plan.is_sorted_by(|one, other| one.at <= other.at));
        assert!(plan.iter().all(|blow| (0.04..0.96).contains(&blow.at)));
    }

    #[test]
    fn only_the_wanted_parts_are_struck() {
        let plan = draw(&Wishes { parts: vec![Part::Load], ..wishes(3) });
        assert!(plan.iter().all(|blow| blow.strike.part == Part::Load));
        let others = plan.len() - 24;
        assert_eq!(others, 40);
        assert!(draw(&Wishes { parts: Vec::new(), ..wishes(3) }).is_empty());
    }
}
