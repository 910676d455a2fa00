//! Which parts of a process can do their work.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Readiness by part: ready when every part that was named is well.
#[derive(Debug, Clone, Default)]
pub struct Health {
    parts: Arc<Mutex<BTreeMap<&'static str, Option<String>>>>,
    notes: Arc<Mutex<BTreeMap<&'static str, String>>>,
    breakers: Arc<Mutex<BTreeMap<&'static str, &'static str>>>,
}

impl Health {
    /// All of `parts` start as not ready: "starting".
    #[must_use]
    pub fn of(parts: &[&'static str]) -> Self {
        let starting = parts.iter().map(|part| (*part, Some("starting".to_owned()))).collect();
        Self { parts: Arc::new(Mutex::new(starting)), ..Self::default() }
    }

    /// Notes that a part is well, or what it waits for.
    pub fn set(&self, part: &'static str, state: Result<(), String>) {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).insert(part, state.err());
    }

    /// Whether every part is well.
    ///
    /// # Errors
    /// The parts that are not, each with what it waits for.
    pub fn ready(&self) -> Result<(), Vec<(&'static str, String)>> {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let failing: Vec<_> =
            parts.iter().filter_map(|(part, state)| state.clone().map(|state| (*part, state))).collect();
        if failing.is_empty() { Ok(()) } else { Err(failing) }
    }
}

/// What an operator should know and readiness does not depend on.
impl Health {
    /// Notes what is amiss with a part that the process can do without; `None`: nothing any more.
    pub fn note(&self, part: &'static str, amiss: Option<String>) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        match amiss {
            Some(amiss) => notes.insert(part, amiss),
            None => notes.remove(part),
        };
    }

    /// Notes the state of a lane's breaker.
    pub fn breaker(&self, lane: &'static str, state: &'static str) {
        self.breakers.lock().unwrap_or_else(PoisonError::into_inner).insert(lane, state);
    }

    /// All of it, for `/status`: what is waited for, the notes, and the breakers of the lanes.
    #[must_use]
    pub fn status(&self) -> serde_json::Value {
        let waits: BTreeMap<_, _> = self.ready().err().unwrap_or_default().into_iter().collect();
        let notes: BTreeMap<_, _> = self.notes().into_iter().collect();
        let breakers = self.breakers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        serde_json::json!({ "ready": waits.is_empty(), "waits": waits, "notes": notes, "breakers": breakers })
    }

    /// The notes, by part.
    #[must_use]
    pub fn notes(&self) -> Vec<(&'static str, String)> {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.iter().map(|(part, amiss)| (*part, amiss.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_ready_when_every_part_is_well() {
        let health = Health::of(&["broker", "lane"]);
        health.set("broker", Ok(()));
        assert_eq!(health.ready(), Err(vec![("lane", "starting".to_owned())]));
        health.set("lane", Ok(()));
        assert_eq!(health.ready(), Ok(()));
        health.set("broker", Err("away".to_owned()));
        assert_eq!(health.ready(), Err(vec![("broker", "away".to_owned())]));
    }

    #[test]
    fn what_a_process_can_do_without_does_not_make_it_unready() {
        let health = Health::of(&[]);
        health.note("geoip", Some("city.mmdb is missing".to_owned()));
        assert_eq!(health.notes(), [("geoip", "city.mmdb is missing".to_owned())]);
        assert_eq!(health.ready(), Ok(()));
        health.breaker("load.events", "open");
        let status = serde_json::json!({
            "ready": true, "waits": {}, "notes": { "geoip": "city.mmdb is missing" }, "breakers": { "load.events": "open" },
        });
        assert_eq!(health.status(), status);
        health.note("geoip", None);
        assert!(health.notes().is_empty());
    }
}
