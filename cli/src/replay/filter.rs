//! Which messages are wanted: the conditions of `tap --where`, on the record as `tap` shows it.

use crate::{
    Failure,
    tap::{decode, wanted::Condition},
};
use std::cell::RefCell;
use tracker_processors::replay::{Filter, Replayed};
use tracker_stream::{
    config::{Mistake, Mistakes, Settings},
    registry,
};

/// The filter of these conditions. Without any, nothing is decoded for it.
///
/// # Errors
/// What is no condition; a registry that does not answer.
pub async fn of(conditions: &[String], topic: Replayed, settings: &Settings) -> Result<Filter, Failure> {
    let conditions = parse(conditions)?;
    if conditions.is_empty() {
        return Ok(Box::new(|_| true));
    }
    let name = settings.kafka()?.topic(topic.topic().name());
    let decoder = RefCell::new(decode::of(topic.topic(), registry::versions(settings, &name).await?)?);
    Ok(Box::new(move |message| {
        let line = decoder.borrow_mut().decode(&message.payload);
        line.is_ok_and(|line| conditions.iter().all(|condition| condition.holds(&line)))
    }))
}

/// Reads the conditions.
///
/// # Errors
/// Every one that is none.
pub fn parse(conditions: &[String]) -> Result<Vec<Condition>, Mistakes> {
    let mut mistakes = Mistakes::default();
    let parsed = conditions.iter().filter_map(|text| match text.parse() {
        Ok(condition) => Some(condition),
        Err(why) => {
            mistakes.add(Mistake::new(format!("--filter {text}"), why));
            None
        }
    });
    let parsed = parsed.collect();
    mistakes.or(parsed)
}
