//! A schema registry, where one is configured: ids for schemas, and schemas for ids.
//!
//! Speaks the API of Confluent's registry, which Redpanda and Apicurio speak as well.

use crate::{
    config::{Mistake, Mistakes, Settings},
    fault::{Fault, in_full},
    process::Failure,
};
use serde::Deserialize;
use std::time::Duration;

/// Section `[schema_registry]`.
#[derive(Clone, Deserialize)]
pub struct RegistryConfig {
    /// Empty: no registry.
    pub url: String,
    /// Basic authentication; empty: none.
    pub user: String,
    /// Its password.
    pub password: String,
}

/// A schema and the id that the registry gave it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Registered {
    /// The id that stands before each value.
    pub id: u32,
    /// The schema's text.
    pub schema: String,
}

/// A registry that is configured.
pub struct Registry {
    config: RegistryConfig,
    client: reqwest::Client,
}

#[derive(Deserialize)]
struct Id {
    id: u32,
}

/// The registry that the settings name, if they name one.
///
/// # Errors
/// A URL that is none.
pub fn configured(settings: &Settings) -> Result<Option<Registry>, Mistakes> {
    settings.section("schema_registry").and_then(Registry::connect)
}

/// The id under which values of `topic` are to be written with `schema`; `None` where no registry is configured.
///
/// # Errors
/// Settings that name no registry that can be, or a registry that does not answer or does not take the schema.
pub async fn id(settings: &Settings, topic: &str, schema: &str) -> Result<Option<u32>, Failure> {
    match configured(settings)? {
        Some(registry) => Ok(Some(registry.register(&subject(topic), schema).await?)),
        None => Ok(None),
    }
}

/// Every schema that values of `topic` may have been written with, by its id; none where no registry is configured.
///
/// # Errors
/// As [`id`].
pub async fn versions(settings: &Settings, topic: &str) -> Result<Vec<Registered>, Failure> {
    match configured(settings)? {
        Some(registry) => Ok(registry.versions(&subject(topic)).await?),
        None => Ok(Vec::new()),
    }
}

/// Confluent's `TopicNameStrategy`: what every tool looks for first.
fn subject(topic: &str) -> String {
    format!("{topic}-value")
}

/// How long the registry may take to answer.
const ANSWER: Duration = Duration::from_secs(10);

impl Registry {
    /// The registry, if the settings name one.
    ///
    /// # Errors
    /// A URL that is none.
    pub fn connect(config: RegistryConfig) -> Result<Option<Self>, Mistakes> {
        if config.url.is_empty() {
            return Ok(None);
        }
        let mistake = |why: String| Mistake::new("schema_registry.url", why);
        reqwest::Url::parse(&config.url).map_err(|error| mistake(format!("is no URL: {error}")))?;
        let client = reqwest::Client::builder().timeout(ANSWER).build();
        let client = client.map_err(|error| mistake(error.to_string()))?;
        Ok(Some(Self { config, client }))
    }

    /// Registers `schema` under `subject`, once: the same text has the same id.
    ///
    /// # Errors
    /// When the registry does not answer, or finds the schema incompatible with the one before.
    pub async fn register(&self, subject: &str, schema: &str) -> Result<u32, Fault> {
        let request = self.client.post(self.url(&format!("subjects/{subject}/versions")));
        let answer: Option<Id> = self.ask(request.json(&serde_json::json!({ "schema": schema }))).await?;
        answer
            .map(|answer| answer.id)
            .ok_or_else(|| self.fault("there is no schema registry at this address"))
    }

    /// Every version of a subject that the registry has.
    ///
    /// # Errors
    /// When the registry does not answer.
    pub async fn versions(&self, subject: &str) -> Result<Vec<Registered>, Fault> {
        let path = format!("subjects/{subject}/versions");
        // A subject that nobody has registered yet is not known.
        let numbers: Vec<u32> = self.ask(self.client.get(self.url(&path))).await?.unwrap_or_default();
        let mut versions = Vec::with_capacity(numbers.len());
        for number in numbers {
            let path = format!("subjects/{subject}/versions/{number}");
            versions.extend(self.ask(self.client.get(self.url(&path))).await?);
        }
        Ok(versions)
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.config.url.trim_end_matches('/'))
    }

    /// What it answers; `None` to what it does not know.
    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<Option<T>, Fault> {
        let request = match self.config.user.as_str() {
            "" => request,
            user => request.basic_auth(user, Some(&self.config.password)),
        };
        let response = request.send().await.map_err(|error| self.fault(in_full(&error.without_url())))?;
        let status = response.status();
        if status == reqwest::StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !status.is_success() {
            let said = response.text().await.unwrap_or_default();
            return Err(self.fault(format!("answered {status}: {said}")));
        }
        response.json().await.map(Some).map_err(|error| self.fault(in_full(&error.without_url())))
    }

    /// Says which registry it was: not by the whole URL, which may hold a password.
    fn fault(&self, what: impl std::fmt::Display) -> Fault {
        let url = reqwest::Url::parse(&self.config.url).ok();
        let host = url.as_ref().and_then(reqwest::Url::host_str).unwrap_or_default();
        let port = url.as_ref().and_then(reqwest::Url::port_or_known_default).unwrap_or_default();
        Fault::new("schema_registry", format!("{host}:{port} (schema_registry.url): {what}"))
    }
}
