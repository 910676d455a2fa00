//! A request that says nothing, for tests.

use super::Context;
use tracker_schemas::{Kind, Timestamp};
use uuid::Uuid;

/// When it was read.
pub(crate) const NOON: Timestamp = Timestamp(1_700_000_000_000);
/// The only new id.
pub(crate) const NEW: Uuid = Uuid::NAMESPACE_OID;

pub(crate) fn context() -> Context<'static> {
    Context {
        received_at: NOON,
        kind: Kind::Client,
        ip: None,
        host: None,
        user_agent: None,
        accept_language: None,
        referer: None,
        opt_out: false,
        node: "edge-1",
        hash_key: &[7; 32],
        anonymize: false,
        tenant: None,
        new_id: &|| NEW,
    }
}
