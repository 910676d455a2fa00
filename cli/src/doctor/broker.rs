//! The broker and its topics.

use super::Finding;
use crate::topics;
use tracker_stream::{
    config::Settings,
    fault::Fault,
    kafka::{Admin, TopicDifference},
};

pub async fn examine(settings: &Settings) -> Vec<Finding> {
    let (Ok(kafka), Ok(specs)) = (settings.kafka(), topics::specs(settings)) else { return Vec::new() };
    let away = |fault: Fault| {
        let mend =
            "`tracker up` starts one here; or set kafka.brokers, and kafka.properties for TLS and SASL";
        vec![Finding::wrong("broker", fault.detail, mend)]
    };
    let admin = match Admin::connect(&kafka) {
        Ok(admin) => admin,
        Err(fault) => return away(fault),
    };
    let brokers = match admin.brokers().await {
        Ok(brokers) => brokers,
        Err(fault) => return away(fault),
    };
    let mut findings = vec![Finding::good("broker", format_args!("answers: {}", brokers.join(", ")))];
    match admin.check(&specs).await {
        Ok(differences) if differences.is_empty() => {
            findings
                .push(Finding::good("topics", format_args!("{} topics are as they should be", specs.len())));
        }
        Ok(differences) => {
            findings.extend(differences.into_iter().map(|TopicDifference { topic, problem, mend }| {
                Finding::wrong("topics", format_args!("{topic} {problem}"), mend)
            }))
        }
        Err(fault) => findings.push(Finding::wrong("topics", fault.detail, "let this user describe topics")),
    }
    findings
}
