//! A short link.

use crate::{
    record::{Record, record},
    topic::Topic,
    value::Timestamp,
};
use uuid::Uuid;

record! {
    /// A short link as it is now. A message with its key and no value removes it.
    pub struct Redirect as RedirectView {
        /// Id of this change of the link.
        pub id: Uuid,
        /// Lower-cased host and path by which the link is found: the key of the message.
        pub address: String,
        /// Address of the link, as it was given.
        pub urlfrom: String,
        /// Where it leads, as it was given.
        pub urlto: String,
        /// Query that is added to the query of `urlto`.
        pub searchto: Option<String>,
        /// Tenant that the link belongs to.
        pub oid: Option<Uuid>,
        /// Sub-tenant.
        pub org: Option<String>,
        /// Account or key that made the change, by its name.
        pub updater: String,
        /// When it was changed.
        pub updated_at: Timestamp,
    }
}

impl Redirect {
    /// Headers of a message that removes a link: the id of the change,
    pub const REMOVAL: &str = "id";
    /// who made it,
    pub const REMOVER: &str = "updater";
    /// and the tenant of the link.
    pub const TENANT: &str = "oid";
}

impl Record for Redirect {
    const TOPIC: Topic = Topic::Redirects;
}
