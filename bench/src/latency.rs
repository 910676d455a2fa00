//! How long many things took. Pure.

use std::time::Duration;

/// Spans, in order of length.
#[derive(Debug, Clone, Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// Of all of them.
    pub fn of(mut spans: Vec<Duration>) -> Self {
        spans.sort_unstable();
        Self(spans)
    }

    /// How many there are.
    pub const fn count(&self) -> usize {
        self.0.len()
    }

    /// The span that a share of them does not exceed: 0.5 is the median. Nothing, where there is none.
    pub fn quantile(&self, share: f64) -> Duration {
        let rank = (share * self.0.len() as f64).ceil() as usize;
        self.0.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }
}

/// In milliseconds.
pub fn ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

/// In microseconds.
pub fn us(span: Duration) -> f64 {
    span.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_them() {
        let all = Latencies::of((1..=100).rev().map(Duration::from_millis).collect());
        let of = |share| ms(all.quantile(share));
        assert_eq!((of(0.0), of(0.5), of(0.99), of(1.0)), (1.0, 50.0, 99.0, 100.0));
        assert_eq!(all.count(), 100);
        assert_eq!(Latencies::default().quantile(0.5), Duration::ZERO);
    }
}
