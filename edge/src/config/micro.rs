//! Section `[edge.micro]`.

use serde::Deserialize;
use tracker_stream::config::{Mistake, Mistakes, Settings, Size};

/// What an edge without a broker keeps in memory, of what was accepted and of what was refused each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MicroConfig {
    /// How many.
    pub most: usize,
    /// How many bytes.
    pub bytes: usize,
}

/// The section as it is written.
#[derive(Deserialize)]
struct Written {
    keep: usize,
    memory: Size,
}

/// The longest record there may be, as it is shown, with room to spare: one has to fit.
const SMALLEST: usize = 4 << 20;

impl MicroConfig {
    /// Reads it.
    ///
    /// # Errors
    /// Everything that is wrong, together.
    pub fn read(settings: &Settings) -> Result<Self, Mistakes> {
        let Written { keep, memory: Size(bytes) } = settings.section("edge.micro")?;
        let mut mistakes = Mistakes::default();
        if keep == 0 {
            mistakes.add(Mistake::new("edge.micro.keep", "must be at least 1"));
        }
        if bytes < SMALLEST {
            let detail = format!("must be at least {SMALLEST} bytes, not {bytes}");
            mistakes.add(Mistake::new("edge.micro.memory", detail));
        }
        mistakes.or(Self { most: keep, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<MicroConfig, Mistakes> {
        MicroConfig::read(&Settings::merge(&format!("[edge.micro]\n{text}"), "test", std::iter::empty())?)
    }

    #[test]
    fn the_defaults_are_right_and_every_mistake_is_reported_at_once() {
        assert_eq!(read("").unwrap(), MicroConfig { most: 10_000, bytes: 64 << 20 });
        let mistakes = read("keep = 0\nmemory = \"1MiB\"").unwrap_err();
        let keys: Vec<&str> = mistakes.iter().map(|mistake| mistake.key.as_str()).collect();
        assert_eq!(keys, ["edge.micro.keep", "edge.micro.memory"]);
    }
}
