//! How fast events go out.

use std::{str::FromStr, sync::Mutex, sync::PoisonError, time::Duration};
use tokio::time::{Instant, sleep_until};

/// A number of events a time: `500/s`, `2000/m`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    per_second: f64,
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = text.split_once('/').unwrap_or((text, "s"));
        let seconds = match unit {
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err("must end in /s, /m or /h".to_owned()),
        };
        let number: f64 = number.parse().map_err(|_| "must be a number of events, as 500/s".to_owned())?;
        let per_second = number / seconds;
        if per_second.is_finite() && per_second > 0.0 {
            Ok(Self { per_second })
        } else {
            Err("must be more than nothing".to_owned())
        }
    }
}

impl Rate {
    /// In a second.
    pub const fn per_second(self) -> f64 {
        self.per_second
    }
}

/// Gives each batch its turn.
pub struct Pace {
    rate: Option<Rate>,
    next: Mutex<Instant>,
}

/// Batches a second, at least, while a rate is kept: a slow rate should not come in bursts.
const BATCHES: f64 = 5.0;

impl Pace {
    /// From now on.
    pub fn new(rate: Option<Rate>) -> Self {
        Self { rate, next: Mutex::new(Instant::now()) }
    }

    /// How many events to send at once, at most `most`.
    pub fn batch(&self, most: usize) -> usize {
        let fits = |rate: Rate| (rate.per_second / BATCHES).ceil().max(1.0) as usize;
        self.rate.map_or(most, |rate| most.min(fits(rate)))
    }

    /// Waits until `events` more may go.
    pub fn turn(&self, events: usize) -> impl Future<Output = ()> + use<> {
        let turn = self.rate.map(|rate| {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = (*next).max(Instant::now());
            *next = turn + Duration::from_secs_f64(events as f64 / rate.per_second);
            turn
        });
        async move {
            if let Some(turn) = turn {
                sleep_until(turn).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("500/s", Ok(500.0))]
    #[case("500", Ok(500.0))]
    #[case("30/m", Ok(0.5))]
    #[case("1e3/s", Ok(1000.0))]
    #[case("0/s", Err(()))]
    #[case("-5/s", Err(()))]
    #[case("NaN/s", Err(()))]
    #[case("inf/s", Err(()))]
    #[case("5/d", Err(()))]
    #[case("fast", Err(()))]
    fn a_rate_is_a_number_a_time(#[case] text: &str, #[case] per_second: Result<f64, ()>) {
        assert_eq!(text.parse().map(|rate: Rate| rate.per_second).map_err(drop), per_second);
    }

    #[test]
    fn a_slow_rate_makes_small_batches() {
        let batch = |rate: &str| Pace::new(Some(rate.parse().unwrap())).batch(500);
        assert_eq!([batch("1/m"), batch("100/s"), batch("1000000/s")], [1, 20, 500]);
        assert_eq!(Pace::new(None).batch(500), 500);
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_events_at_a_hundred_a_second_take_ten_seconds() {
        let pace = Pace::new(Some("100/s".parse().unwrap()));
        let start = Instant::now();
        for _ in 0..50 {
            pace.turn(20).await;
        }
        let taken = start.elapsed();
        assert!((Duration::from_millis(9_700)..Duration::from_millis(10_100)).contains(&taken), "{taken:?}");
    }
}
