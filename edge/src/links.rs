//! Short links and redirects: which there are, where they lead, who may be sent there. Never asks a database, and never
//! fetches an address that somebody gave it.
//!
//! All links are in memory, in a [`Table`] that is read without a lock. [`follow`] keeps it: it reads the compacted topic
//! `redirects` from its beginning and stays; an edge is not ready before it has caught up. A change is a message there,
//! acknowledged before it is answered ([`Writer`]); what a change may be is said in [`change`]. [`goal`] decides where a
//! visitor may be sent, [`target`] what a link to a `/rdr` link means. All but `follow` and `Writer` are pure.

pub mod address;
pub mod change;
pub mod follow;
pub mod goal;
mod packed;
mod table;
pub mod target;
mod under_way;
mod writer;

pub use follow::Links;
pub use table::Table;
pub use under_way::UnderWay;
pub use writer::{Removal, Writer};

use crate::{admit::accounts::Accounts, config::RedirectConfig};
use std::sync::Arc;

/// What an edge needs to send visitors on.
pub struct Redirects<K> {
    /// What the edge was told.
    pub config: RedirectConfig,
    /// The links.
    pub links: Arc<Links>,
    /// Where changes of them go.
    pub writer: Writer<K>,
    /// Events of visitors who were sent on already.
    pub under_way: UnderWay,
    /// People who may change them.
    pub accounts: Accounts,
}
