//! A person whose data are to be erased.

use crate::{
    record::{Record, record},
    topic::Topic,
    value::{SubjectKind, Timestamp},
};
use uuid::Uuid;

record! {
    /// What was received of an erased person before does not come back, wherever it is still kept.
    pub struct Erasure as ErasureView {
        /// Id of the person.
        pub subject: Uuid,
        /// Whether the id is a visitor's or a user's.
        pub kind: SubjectKind,
        /// Tenant whose data are meant; null: those of every tenant.
        pub oid: Option<Uuid>,
        /// When it was asked for: what is received afterwards is of somebody new.
        pub erased_at: Timestamp,
        /// Id of the request, as it was answered to who asked.
        pub request: Uuid,
    }
}

impl Erasure {
    /// The key of its message, `kind:subject:oid`, with `*` for every tenant. The topic keeps the latest of a key: what one
    /// tenant asked for must not hide what another one did, nor a user's erasure a visitor's.
    #[must_use]
    pub fn key(&self) -> String {
        let kind = self.kind.symbol();
        self.oid.map_or_else(
            || format!("{kind}:{}:*", self.subject),
            |oid| format!("{kind}:{}:{oid}", self.subject),
        )
    }
}

impl Record for Erasure {
    const TOPIC: Topic = Topic::Erasures;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_erasure_hides_another_one_than_its_own() {
        let of = |kind, oid| Erasure { subject: Uuid::from_u128(1), kind, oid, ..Erasure::default() };
        let [shop, bank] = [2, 3].map(Uuid::from_u128);
        let all = [
            of(SubjectKind::Vid, None),
            of(SubjectKind::Vid, Some(shop)),
            of(SubjectKind::Vid, Some(bank)),
            of(SubjectKind::Uid, Some(shop)),
        ];
        let keys: BTreeSet<String> = all.iter().map(Erasure::key).collect();
        assert_eq!(keys.len(), all.len(), "{keys:?}");
        let later = Erasure { erased_at: Timestamp(9), request: Uuid::max(), ..all[1].clone() };
        assert_eq!(later.key(), all[1].key());
        assert_eq!(all[0].key(), "vid:00000000-0000-0000-0000-000000000001:*");
    }
}
