//! Creates, changes and inspects topics.

use super::{
    config::KafkaConfig,
    context::Quiet,
    died, offset,
    topics::{TopicDifference, TopicSpec, TopicState},
};
use crate::fault::Fault;
use rdkafka::{
    TopicPartitionList,
    admin::{
        AdminClient, AdminOptions, AlterConfig, ConfigResource, ConfigSource, NewPartitions, NewTopic,
        ResourceSpecifier, TopicReplication,
    },
    consumer::Consumer as _,
    error::KafkaError,
    types::RDKafkaErrorCode,
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;

/// How long the broker may take to answer.
const ANSWER: Duration = Duration::from_secs(10);

/// How long it may take to learn what its controller has taken; on a busy machine it is seconds.
const LEARNS: Duration = Duration::from_secs(60);

/// How long a broker usually takes to learn what its controller has taken.
const TELLS: Duration = Duration::from_millis(20);

/// A client that administers.
pub struct Admin {
    client: Arc<AdminClient<Quiet>>,
    asking: KafkaConfig,
}

impl Admin {
    /// Starts a client; it connects when it is asked something.
    ///
    /// # Errors
    /// Properties that librdkafka does not take.
    pub fn connect(config: &KafkaConfig) -> Result<Self, Fault> {
        let client = config.client("admin", &[]).create_with_context(Quiet);
        let client = client.map_err(|error| Fault::new("kafka_config", error.to_string()))?;
        Ok(Self { client: Arc::new(client), asking: config.clone() })
    }

    /// Address of each broker.
    ///
    /// # Errors
    /// When none answers.
    pub async fn brokers(&self) -> Result<Vec<String>, Fault> {
        let client = Arc::clone(&self.client);
        let asked = tokio::task::spawn_blocking(move || {
            let metadata = client.inner().fetch_metadata(None, ANSWER)?;
            Ok(metadata
                .brokers()
                .iter()
                .map(|broker| format!("{}:{}", broker.host(), broker.port()))
                .collect())
        });
        asked.await.map_err(died)?.map_err(|error| self.unreachable(&error))
    }

    /// Makes the topics what they should be, as far as that can be done, and says what it did, once the broker tells it: so
    /// whoever asks next finds no difference. (Of several brokers, one may still be a moment behind the one that was asked.)
    ///
    /// # Errors
    /// When the broker does not answer, refuses, or does not tell in time what it has taken.
    pub async fn apply(&self, specs: &[TopicSpec]) -> Result<Vec<String>, Fault> {
        let states = self.states(specs).await?;
        let mut done = Vec::new();
        for spec in specs {
            match states.get(&spec.name) {
                None => {
                    self.create(spec).await?;
                    done.push(format!("created {} with {} partitions", spec.name, spec.partitions));
                }
                Some(state) => {
                    if state.partitions < spec.partitions {
                        self.grow(spec).await?;
                        done.push(format!("{} has {} partitions now", spec.name, spec.partitions));
                    }
                    if spec.drift(state).next().is_some() {
                        self.configure(spec, state).await?;
                        done.extend(
                            spec.drift(state).map(|(key, value)| format!("{}: {key}={value}", spec.name)),
                        );
                    }
                }
            }
        }
        if !done.is_empty() {
            self.told(specs).await?;
        }
        Ok(done)
    }

    /// Compares the topics with what they should be.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn check(&self, specs: &[TopicSpec]) -> Result<Vec<TopicDifference>, Fault> {
        let states = self.states(specs).await?;
        Ok(specs.iter().flat_map(|spec| spec.differences(states.get(&spec.name))).collect())
    }

    /// How long each of these topics is kept, of those that there are; `None`: for ever.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn retentions(&self, topics: &[String]) -> Result<HashMap<String, Option<Duration>>, Fault> {
        let resources = topics.iter().map(|topic| ResourceSpecifier::Topic(topic));
        let resources: Vec<_> = resources.collect();
        let answers = self.client.describe_configs(resources.iter(), &options()).await;
        let answers = answers.map_err(|error| self.unreachable(&error))?;
        let found = topics.iter().zip(answers).filter_map(|(topic, answer)| {
            let config = properties(&answer.ok()?, |_| true);
            let deletes = config.get("cleanup.policy").is_none_or(|policy| policy.contains("delete"));
            let ms = config.get("retention.ms").and_then(|ms| ms.parse().ok()); // -1: for ever
            Some((topic.clone(), ms.filter(|_| deletes).map(Duration::from_millis)))
        });
        Ok(found.collect())
    }

    /// First offset and the offset after the last, of each partition.
    ///
    /// # Errors
    /// When the broker does not answer, or has no such topic.
    pub async fn ends(&self, topic: &str) -> Result<Vec<(i32, i64, i64)>, Fault> {
        let (client, topic) = (Arc::clone(&self.client), topic.to_owned());
        let asked = tokio::task::spawn_blocking(move || {
            let numbers = partitions(&client, &topic)?;
            let ends = numbers.into_iter().map(|number| {
                let (low, high) = client.inner().fetch_watermarks(&topic, number, ANSWER)?;
                Ok((number, low, high))
            });
            ends.collect::<Result<_, KafkaError>>()
        });
        asked.await.map_err(died)?.map_err(|error| self.unreachable(&error))
    }

    /// What a group has committed, by partition.
    ///
    /// # Errors
    /// When the broker does not answer, or has no such topic.
    pub async fn committed(&self, group: &str, topic: &str) -> Result<Vec<(i32, Option<i64>)>, Fault> {
        let committed = self.of_group(group, topic).await?;
        Ok(committed.elements().iter().map(|each| (each.partition(), offset(each.offset()))).collect())
    }

    /// The partitions of which a group was about to write something, or still is: see [`crate::plan`].
    ///
    /// # Errors
    /// When the broker does not answer, or has no such topic.
    pub async fn planned(&self, group: &str, topic: &str) -> Result<Vec<i32>, Fault> {
        let committed = self.of_group(group, topic).await?;
        let planned = committed.elements().into_iter().filter(|each| !each.metadata().is_empty());
        Ok(planned.map(|each| each.partition()).collect())
    }

    async fn of_group(&self, group: &str, topic: &str) -> Result<TopicPartitionList, Fault> {
        let consumer = self.asking.reader("admin", &[], group, "error")?;
        let (client, topic) = (Arc::clone(&self.client), topic.to_owned());
        let asked = tokio::task::spawn_blocking(move || {
            let mut list = TopicPartitionList::new();
            for number in partitions(&client, &topic)? {
                list.add_partition(&topic, number);
            }
            consumer.committed_offsets(list, ANSWER)
        });
        asked.await.map_err(died)?.map_err(|error| self.unreachable(&error))
    }

    /// How many readers a group has now. One that was killed counts until the broker misses it.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn members(&self, group: &str) -> Result<usize, Fault> {
        let (client, name) = (Arc::clone(&self.client), group.to_owned());
        let asked = tokio::task::spawn_blocking(move || {
            let found = client.inner().fetch_group_list(Some(&name), ANSWER)?;
            let groups = found.groups().iter().filter(|each| each.name() == name);
            Ok(groups.map(|each| each.members().len()).sum())
        });
        asked.await.map_err(died)?.map_err(|error| self.unreachable(&error))
    }

    /// Deletes topics, with everything in them.
    ///
    /// # Errors
    /// When the broker does not answer, or refuses.
    pub async fn delete(&self, topics: &[String]) -> Result<(), Fault> {
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        let answers =
            self.client.delete_topics(&names, &options()).await.map_err(|error| self.unreachable(&error))?;
        answers.into_iter().try_for_each(|answer| answer.map(drop).map_err(refused))
    }

    /// Waits until the broker tells what its controller has taken, which it learns a moment later.
    async fn told(&self, specs: &[TopicSpec]) -> Result<(), Fault> {
        let until = Instant::now() + LEARNS;
        loop {
            let states = self.states(specs).await?;
            let untold = specs.iter().find(|spec| !spec.is_told(states.get(&spec.name)));
            let Some(spec) = untold else { return Ok(()) };
            if Instant::now() >= until {
                let detail = format!("{}: the broker took it, and still tells otherwise", spec.name);
                return Err(Fault::new("topic_untold", detail + ": `tracker topics check` says how"));
            }
            tokio::time::sleep(TELLS).await;
        }
    }

    async fn create(&self, spec: &TopicSpec) -> Result<(), Fault> {
        let new = NewTopic::new(&spec.name, spec.partitions, TopicReplication::Fixed(spec.replication));
        let new = spec.config.iter().fold(new, |new, (key, value)| new.set(key, value));
        let answers =
            self.client.create_topics(&[new], &options()).await.map_err(|error| self.unreachable(&error))?;
        answers.into_iter().try_for_each(|answer| match answer {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => Ok(()), // somebody was faster
            Err(refusal) => Err(refused(refusal)),
        })
    }

    async fn grow(&self, spec: &TopicSpec) -> Result<(), Fault> {
        let new = NewPartitions::new(&spec.name, usize::try_from(spec.partitions).unwrap_or(1));
        let answers = self
            .client
            .create_partitions(&[new], &options())
            .await
            .map_err(|error| self.unreachable(&error))?;
        answers.into_iter().try_for_each(|answer| answer.map(drop).map_err(refused))
    }

    /// Sets the properties. The broker replaces all of a topic's own ones, so those that an operator set are sent again.
    async fn configure(&self, spec: &TopicSpec, state: &TopicState) -> Result<(), Fault> {
        let kept = state.own.iter().filter(|(key, _)| !spec.config.iter().any(|(ours, _)| ours == key));
        let alter = AlterConfig::new(ResourceSpecifier::Topic(&spec.name));
        let alter = kept.fold(alter, |alter, (key, value)| alter.set(key, value));
        let alter = spec.config.iter().fold(alter, |alter, (key, value)| alter.set(key, value));
        let answers = self
            .client
            .alter_configs(&[alter], &options())
            .await
            .map_err(|error| self.unreachable(&error))?;
        answers
            .into_iter()
            .try_for_each(|answer| answer.map(drop).map_err(|(_, code)| refused((spec.name.clone(), code))))
    }

    /// The topics among `specs` that the broker has.
    async fn states(&self, specs: &[TopicSpec]) -> Result<HashMap<String, TopicState>, Fault> {
        let client = Arc::clone(&self.client);
        let asked = tokio::task::spawn_blocking(move || {
            let metadata = client.inner().fetch_metadata(None, ANSWER)?;
            let shape = |topic: &rdkafka::metadata::MetadataTopic| {
                let copies = topic.partitions().first().map_or(0, |partition| partition.replicas().len());
                (topic.name().to_owned(), (topic.partitions().len(), copies))
            };
            Ok(metadata.topics().iter().map(shape).collect::<HashMap<_, _>>())
        });
        let shapes = asked.await.map_err(died)?.map_err(|error| self.unreachable(&error))?;
        let present: Vec<&TopicSpec> = specs.iter().filter(|spec| shapes.contains_key(&spec.name)).collect();
        let resources: Vec<_> = present.iter().map(|spec| ResourceSpecifier::Topic(&spec.name)).collect();
        if resources.is_empty() {
            return Ok(HashMap::new());
        }
        let answers = self.client.describe_configs(resources.iter(), &options()).await;
        let answers = answers.map_err(|error| self.unreachable(&error))?;
        let mut states = HashMap::new();
        for (spec, answer) in present.into_iter().zip(answers) {
            let resource = match answer {
                Ok(resource) => resource,
                Err(RDKafkaErrorCode::UnknownTopicOrPartition) => continue, // this broker has not learnt of it yet
                Err(code) => return Err(refused((spec.name.clone(), code))),
            };
            let (partitions, copies) = shapes.get(&spec.name).copied().unwrap_or_default();
            let state = TopicState {
                partitions: i32::try_from(partitions).unwrap_or(i32::MAX),
                replication: i32::try_from(copies).unwrap_or(i32::MAX),
                config: properties(&resource, |_| true),
                own: properties(&resource, |source| *source == ConfigSource::DynamicTopic),
            };
            states.insert(spec.name.clone(), state);
        }
        Ok(states)
    }

    fn unreachable(&self, error: &KafkaError) -> Fault {
        let detail = format!("no broker answers at {}: {error}; set kafka.brokers", self.asking.brokers);
        Fault::new("broker_unreachable", detail)
    }
}

fn partitions(client: &AdminClient<Quiet>, topic: &str) -> Result<Vec<i32>, KafkaError> {
    let metadata = client.inner().fetch_metadata(Some(topic), ANSWER)?;
    let all = metadata.topics().iter().flat_map(|topic| topic.partitions());
    Ok(all.map(rdkafka::metadata::MetadataPartition::id).collect())
}

fn properties(resource: &ConfigResource, wanted: impl Fn(&ConfigSource) -> bool) -> BTreeMap<String, String> {
    let entries = resource.entries.iter().filter(|entry| wanted(&entry.source));
    entries.filter_map(|entry| Some((entry.name.clone(), entry.value.clone()?))).collect()
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(ANSWER)).operation_timeout(Some(ANSWER))
}

fn refused((topic, code): (String, RDKafkaErrorCode)) -> Fault {
    Fault::new("topic_refused", format!("{topic}: {code}"))
}
