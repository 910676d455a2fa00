//! Persons who were erased. What was received of them before stays away, wherever it comes from.

use super::About;
use crate::codec;
use std::collections::HashMap;
use tracker_schemas::{Erasure, SubjectKind, Topic};
use tracker_stream::{
    config::Settings,
    fault::Fault,
    kafka::{From, Reader, Reading},
    process::Failure,
};
use uuid::Uuid;

/// Every erasure that was ever done.
#[derive(Debug, Default)]
pub struct Erased {
    visitors: HashMap<Uuid, Vec<Done>>,
    users: HashMap<Uuid, Vec<Done>>,
}

#[derive(Debug, Clone, Copy)]
struct Done {
    /// `None`: of every tenant.
    oid: Option<Uuid>,
    at: i64,
}

impl Erased {
    /// Reads the topic of erasures, which keeps all of them.
    ///
    /// # Errors
    /// A broker that does not answer; an erasure that cannot be read: whom it meant must not come back.
    pub async fn read(settings: &Settings) -> Result<Self, Failure> {
        let (kafka, decoder) = (settings.kafka()?, codec::decoder::<Erasure>(settings).await?);
        let mut reader = Reader::open(&kafka, &kafka.topic(Topic::Erasures.name()), From::Beginning).await?;
        let mut erased = Self::default();
        while let Reading::Message(message) = reader.next().await? {
            if message.payload.is_empty() {
                continue; // a tombstone: nothing was ever erased by one
            }
            let place = (message.partition, message.offset);
            let erasure = decoder.decode(&message.payload).map_err(|malformed| {
                Fault::new("erasure_unreadable", format!("{place:?} of {}: {malformed}", message.topic))
            })?;
            erased.add(&erasure);
        }
        Ok(erased)
    }

    pub(super) fn add(&mut self, erasure: &Erasure) {
        let subjects = match erasure.kind {
            SubjectKind::Vid => &mut self.visitors,
            SubjectKind::Uid => &mut self.users,
        };
        let done = Done { oid: erasure.oid, at: erasure.erased_at.0 };
        subjects.entry(erasure.subject).or_default().push(done);
    }

    /// Whether this was received of a person who was erased since.
    #[must_use]
    pub fn has(&self, about: &About) -> bool {
        let named = [(&self.visitors, about.vid), (&self.users, about.uid)];
        named
            .into_iter()
            .filter_map(|(subjects, id)| subjects.get(&id?))
            .flatten()
            .any(|done| about.received_at <= done.at && (done.oid.is_none() || done.oid == about.oid))
    }
}
