//! What is wrong with the settings, all of it together.

use std::fmt;
use toml::Table;

/// One wrong setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The key, with its section: `edge.listen`.
    pub key: String,
    /// What is wrong, and what to change.
    pub detail: String,
    /// The file or the environment variable that set it; empty where it is not one of them.
    pub origin: String,
}

impl Mistake {
    /// A mistake with its key and its detail.
    pub fn new(key: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { key: key.into(), detail: detail.into(), origin: String::new() }
    }

    /// A key that nothing reads, with the nearest one that something does.
    pub(super) fn unknown(key: &str, known: &Table) -> Self {
        let (section, name) = key.rsplit_once('.').map_or(("", key), |(section, name)| (section, name));
        let nearest = known.keys().min_by_key(|candidate| distance(candidate, name));
        let meant = nearest.filter(|nearest| distance(nearest, name) <= 1 + name.len() / 3);
        let dot = if section.is_empty() { "" } else { "." };
        Self::new(
            key,
            match meant {
                Some(meant) => format!("is not a setting; did you mean `{section}{dot}{meant}`?"),
                None => "is not a setting; tracker.toml lists them all".to_owned(),
            },
        )
    }

    pub(super) fn set_in(self, origin: &str) -> Self {
        Self { origin: origin.to_owned(), ..self }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.key, self.detail)?;
        if self.origin.is_empty() { Ok(()) } else { write!(f, " (set in {})", self.origin) }
    }
}

/// Levenshtein distance of two short names.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        let mut next = vec![left];
        for (known, above) in other.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(*known != letter)).min(left + 1).min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// All mistakes of one reading; never empty when it is an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// One more.
    pub fn add(&mut self, mistake: Mistake) {
        self.0.push(mistake);
    }

    /// Those of another reading too, unless they are known: two may read one section. Its value where there are none.
    pub fn collect<T>(&mut self, reading: Result<T, Self>) -> Option<T> {
        let note = |others: Self| {
            for other in others.0 {
                if !self.0.contains(&other) {
                    self.0.push(other);
                }
            }
        };
        reading.map_err(note).ok()
    }

    /// The value, if there are no mistakes.
    ///
    /// # Errors
    /// The mistakes.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Mistake> {
        self.0.iter()
    }
}

impl From<Mistake> for Mistakes {
    fn from(mistake: Mistake) -> Self {
        Self(vec![mistake])
    }
}

/// One a line.
impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Mistakes {}

#[cfg(test)]
mod tests {
    use super::{Mistake, Mistakes, distance};

    #[test]
    fn a_mistake_that_two_readings_find_is_told_once() {
        let mut mistakes = Mistakes::default();
        for key in ["a.b", "a.c", "a.b"] {
            assert_eq!(mistakes.collect::<()>(Err(Mistake::new(key, "is wrong").into())), None);
        }
        assert_eq!(mistakes.to_string(), "a.b is wrong\na.c is wrong");
    }

    #[test]
    fn the_distance_counts_changed_letters() {
        assert_eq!(distance("listen", "listen"), 0);
        assert_eq!(distance("listen", "lisen"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
