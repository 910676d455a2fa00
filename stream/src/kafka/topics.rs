//! What a topic should be, and how it differs. Pure.

use std::collections::BTreeMap;

/// A topic as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Name on the broker.
    pub name: String,
    /// Partitions.
    pub partitions: i32,
    /// Copies of each.
    pub replication: i32,
    /// Topic properties, as Kafka names them.
    pub config: Vec<(&'static str, String)>,
}

/// One way in which a topic is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TopicDifference {
    /// Name on the broker.
    pub topic: String,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub mend: String,
}

impl std::fmt::Display for TopicDifference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { topic, problem, mend } = self;
        write!(f, "{topic} {problem}: {mend}")
    }
}

/// A topic as the broker has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TopicState {
    pub(super) partitions: i32,
    pub(super) replication: i32,
    /// Every property that the broker tells.
    pub(super) config: BTreeMap<String, String>,
    /// Those that somebody has set on the topic.
    pub(super) own: BTreeMap<String, String>,
}

impl TopicSpec {
    /// The properties that the topic has not, or has otherwise.
    pub(super) fn drift<'a>(
        &'a self,
        state: &'a TopicState,
    ) -> impl Iterator<Item = (&'static str, &'a str)> {
        let differs = |key: &str, value: &str| state.config.get(key).is_none_or(|has| has != value);
        self.config
            .iter()
            .filter(move |(key, value)| differs(key, value))
            .map(|(key, value)| (*key, value.as_str()))
    }

    /// Whether the broker tells of the topic what can be set. What it does not tell at all (Redpanda takes some of Kafka's
    /// properties, and has no use for them) is not waited for.
    pub(super) fn is_told(&self, state: Option<&TopicState>) -> bool {
        let told = |state: &TopicState| self.drift(state).all(|(key, _)| !state.config.contains_key(key));
        state.is_some_and(|state| state.partitions >= self.partitions && told(state))
    }

    /// Everything in which `state` is not as it should be.
    pub(super) fn differences(&self, state: Option<&TopicState>) -> Vec<TopicDifference> {
        let apply = "`tracker topics apply` mends it";
        let difference = |problem: String, mend: &str| TopicDifference {
            topic: self.name.clone(),
            problem,
            mend: mend.to_owned(),
        };
        let Some(state) = state else { return vec![difference("is missing".to_owned(), apply)] };
        let mut found = Vec::new();
        if state.partitions != self.partitions {
            let problem = format!("has {} partitions and should have {}", state.partitions, self.partitions);
            let mend = if state.partitions < self.partitions {
                apply
            } else {
                "partitions cannot be taken away: set the number in [topics] to what the topic has"
            };
            found.push(difference(problem, mend));
        }
        if state.replication != self.replication {
            let problem = format!("has {} copies and should have {}", state.replication, self.replication);
            let mend =
                "move the partitions with the broker's own tool, or set topics.replication to what it has";
            found.push(difference(problem, mend));
        }
        found.extend(self.drift(state).map(|(key, value)| {
            let has = state.config.get(key).map_or("nothing", String::as_str);
            difference(format!("has {key}={has} and should have {value}"), apply)
        }));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> TopicSpec {
        TopicSpec {
            name: "t.events".to_owned(),
            partitions: 3,
            replication: 1,
            config: vec![("retention.ms", "1000".to_owned())],
        }
    }

    fn state() -> TopicState {
        let config = BTreeMap::from([("retention.ms".to_owned(), "1000".to_owned())]);
        TopicState { partitions: 3, replication: 1, config, own: BTreeMap::new() }
    }

    fn problems(state: Option<&TopicState>) -> Vec<String> {
        spec().differences(state).into_iter().map(|difference| difference.problem).collect()
    }

    #[test]
    fn a_topic_as_it_should_be_has_no_difference() {
        assert!(problems(Some(&state())).is_empty());
    }

    #[test]
    fn a_missing_topic_is_one_difference() {
        assert_eq!(problems(None), ["is missing"]);
    }

    #[test]
    fn every_difference_is_told() {
        let config = BTreeMap::from([("retention.ms".to_owned(), "5".to_owned())]);
        let wrong = TopicState { partitions: 1, replication: 3, config, own: BTreeMap::new() };
        assert_eq!(
            problems(Some(&wrong)),
            [
                "has 1 partitions and should have 3",
                "has 3 copies and should have 1",
                "has retention.ms=5 and should have 1000"
            ]
        );
    }

    #[test]
    fn too_many_partitions_are_not_mended_by_apply() {
        let wrong = TopicState { partitions: 9, ..state() };
        let mend = spec().differences(Some(&wrong)).remove(0).mend;
        assert!(mend.contains("cannot be taken away"), "{mend}");
    }

    #[test]
    fn what_apply_set_is_waited_for_and_nothing_else() {
        assert!(!spec().is_told(None));
        assert!(spec().is_told(Some(&state())));
        assert!(!spec().is_told(Some(&TopicState { partitions: 2, ..state() })));
        assert!(spec().is_told(Some(&TopicState { partitions: 9, replication: 3, ..state() })));
        let old = BTreeMap::from([("retention.ms".to_owned(), "5".to_owned())]);
        assert!(!spec().is_told(Some(&TopicState { config: old, ..state() })));
        assert!(spec().is_told(Some(&TopicState { config: BTreeMap::new(), ..state() })), "never told");
    }
}
