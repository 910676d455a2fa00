//! A person whose data were erased.

use crate::{
    record::{Record, record},
    topic::Topic,
    value::{SubjectKind, Timestamp},
};
use uuid::Uuid;

record! {
    /// What comes again of an erased person is not stored again.
    pub struct Erasure {
        /// Id of the person.
        pub subject: Uuid,
        /// Whether the id is a visitor's or a user's.
        pub kind: SubjectKind,
        /// Tenant whose data were erased; null: of every tenant.
        pub oid: Option<Uuid>,
        /// When the erasure was done.
        pub erased_at: Timestamp,
        /// Id of the request, as it was answered to who asked.
        pub request: Uuid,
    }
}

impl Record for Erasure {
    const TOPIC: Topic = Topic::Erasures;
}
