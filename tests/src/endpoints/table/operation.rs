//! One method of one address, as the document at `/openapi.json` has it.

use super::ground::Ground;
use reqwest::Method;
use serde_json::Value;

/// One method of one address.
pub struct Operation {
    pub method: Method,
    /// As it is written there, with `{…}` for what may follow.
    pub path: String,
    said: Value,
}

/// What a request has to show.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    Nothing,
    /// Where one is required.
    WriteKey,
    SecretKey,
    KeyOrAccount,
    /// It stands in the path.
    AccountInPath,
}

impl Operation {
    /// All of them, and what the document says of every address.
    pub async fn all(ground: &Ground) -> (Vec<Self>, Value) {
        let document = ground.site.get("/openapi.json").await.json();
        (Self::of(&document), document["x-everywhere"].clone())
    }

    /// Those of a document.
    pub fn of(document: &Value) -> Vec<Self> {
        assert_eq!(document["openapi"], "3.1.0");
        let methods = document["paths"].as_object().expect("paths").iter().flat_map(|(path, item)| {
            let operations =
                item.as_object().expect("methods").iter().filter(|(key, _)| *key != "parameters");
            operations.map(|(method, said)| Self {
                method: method.to_uppercase().parse().expect("a method"),
                path: path.clone(),
                said: said.clone(),
            })
        });
        methods.collect()
    }

    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The path without what may follow.
    pub fn base(&self) -> &str {
        self.path.split('{').next().unwrap_or_default()
    }

    pub fn carries_body(&self) -> bool {
        self.said.get("requestBody").is_some()
    }

    pub fn shows(&self) -> Shows {
        let security = self.said["security"].as_array().map_or(&[][..], Vec::as_slice);
        let has = |scheme: &str| security.iter().any(|way| way.get(scheme).is_some());
        match (has("account"), has("secret_key"), has("write_key")) {
            (true, ..) => Shows::KeyOrAccount,
            (_, true, _) => Shows::SecretKey,
            (.., true) => Shows::WriteKey,
            _ if self.path.contains("{password}") => Shows::AccountInPath,
            _ => Shows::Nothing,
        }
    }

    /// The status of success.
    pub fn success(&self) -> u16 {
        self.statuses().into_iter().min().expect("an answer")
    }

    pub fn statuses(&self) -> Vec<u16> {
        let answers = self.said["responses"].as_object().expect("answers");
        answers.keys().map(|status| status.parse().expect("a status")).collect()
    }

    pub fn media(&self) -> &str {
        let content = self.said["responses"][self.success().to_string()]["content"].as_object();
        content.and_then(|media| media.keys().next()).map_or("", String::as_str)
    }

    /// The status with which it refuses for a reason.
    pub fn refuses(&self, reason: &str) -> Option<u16> {
        let answers = self.said["responses"].as_object().expect("answers");
        let mut found = answers.iter().filter(|(_, answer)| answer["x-reasons"].get(reason).is_some());
        found.next().map(|(status, _)| status.parse().expect("a status"))
    }

    /// Whether the document names this answer. Why something is away is the operator's concern: any tag may say it. A HEAD
    /// has no body that could tell a reason.
    pub fn names(&self, status: u16, reason: &str) -> bool {
        let answer = &self.said["responses"][status.to_string()];
        match answer.get("x-reasons") {
            Some(reasons) => self.method == Method::HEAD || reasons.get(reason).is_some(),
            None => !answer.is_null() && (status < 400 || status == 503),
        }
    }
}
