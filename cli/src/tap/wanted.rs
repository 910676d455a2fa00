//! What is wanted of a topic: where to begin, and which messages.

use super::Line;
use std::str::FromStr;
use tracker_schemas::Timestamp;
use tracker_stream::kafka::From;

/// Where to begin, as it was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    Beginning,
    End,
    At(Timestamp),
    /// Milliseconds before now.
    Ago(i64),
}

impl FromStr for Start {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(at) = Timestamp::parse_rfc3339(text) {
            return Ok(Self::At(at));
        }
        match (text, crate::span::parse(text)) {
            ("start", _) => Ok(Self::Beginning),
            ("end", _) => Ok(Self::End),
            (_, Ok(span)) => Ok(Self::Ago(i64::try_from(span.as_millis()).unwrap_or(i64::MAX))),
            _ => {
                Err("must be start, end, a time such as 2026-11-24T08:00:00Z, or a span such as 10m"
                    .to_owned())
            }
        }
    }
}

impl Start {
    /// The same for a reader.
    pub fn at(self, now_ms: i64) -> From {
        match self {
            Self::Beginning => From::Beginning,
            Self::End => From::End,
            Self::At(Timestamp(ms)) => From::Time(ms),
            Self::Ago(ms) => From::Time(now_ms.saturating_sub(ms).max(0)),
        }
    }
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    field: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Is(String),
    IsNot(String),
    Contains(String),
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = "must be field=value, field!=value or field~part";
        let place = text.find(['=', '!', '~']).filter(|place| *place > 0).ok_or(wanted)?;
        let (field, test) = text.split_at(place);
        let test = if let Some(value) = test.strip_prefix("!=") {
            Test::IsNot(value.to_owned())
        } else if let Some(value) = test.strip_prefix('=') {
            Test::Is(value.to_owned())
        } else if let Some(part) = test.strip_prefix('~') {
            Test::Contains(part.to_owned())
        } else {
            return Err(wanted.to_owned());
        };
        Ok(Self { field: field.to_owned(), test })
    }
}

impl Condition {
    /// Whether a message is wanted.
    pub fn holds(&self, line: &Line) -> bool {
        let text = line.text(&self.field);
        match &self.test {
            Test::Is(value) => text == value.as_str(),
            Test::IsNot(value) => text != value.as_str(),
            Test::Contains(part) => text.contains(part.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use tracker_schemas::{Event, examples};

    #[rstest]
    #[case("ename=click", true)]
    #[case("ename=clic", false)]
    #[case("ename!=view", true)]
    #[case("ename!=click", false)]
    #[case("url~trail-runner", true)]
    #[case("url~boots", false)]
    #[case("url~", true)]
    #[case("uid=", true)]
    #[case("vid=", false)]
    #[case("uid!=", false)]
    #[case("opt_out=false", true)]
    #[case("params.x=640", true)]
    #[case("params.first_click=true", true)]
    #[case("no_such_field=", true)]
    fn a_condition_holds_or_not(#[case] condition: &str, #[case] holds: bool) {
        let line = Line::of(&examples::one::<Event>("click")).unwrap();
        assert_eq!(condition.parse::<Condition>().unwrap().holds(&line), holds, "{condition}");
    }

    #[rstest]
    fn what_is_no_condition_is_refused(#[values("", "ename", "=x", "!x", "a!b", "~x")] text: &str) {
        assert!(text.parse::<Condition>().is_err());
    }

    #[test]
    fn a_value_may_hold_what_stands_between() {
        let condition: Condition = "url=https://x.example/?a=b~c!=d".parse().unwrap();
        assert_eq!(condition.test, Test::Is("https://x.example/?a=b~c!=d".to_owned()));
    }

    #[rstest]
    #[case("start", From::Beginning)]
    #[case("end", From::End)]
    #[case("10s", From::Time(1_790_000))]
    #[case("30d", From::Time(0))]
    #[case("1970-01-01T00:00:01Z", From::Time(1000))]
    fn a_start_is_a_place_or_a_time(#[case] text: &str, #[case] from: From) {
        assert_eq!(text.parse::<Start>().unwrap().at(1_800_000), from);
    }

    #[test]
    fn what_is_no_start_is_refused() {
        assert!("yesterday".parse::<Start>().unwrap_err().contains("10m"));
    }
}
