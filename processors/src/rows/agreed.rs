//! Rows of `agreed`.

use super::{
    cell::{Id, Instant},
    row,
};
use tracker_schemas::Agreement;

row! {
    /// A consent as the table `agreed` takes it.
    AgreedRow of Agreement in "agreed"
    own {
        id: Id,
        vid: Id,
        uid: Id,
        oid: Id,
        org: String,
        app: String,
        rel: String,
        cflags: i64,
        opt_out: bool,
        regulation: String,
        jurisdiction: String,
        compliances: String,
        country: String,
        region: String,
        culture: String,
        tz: String,
        url: String,
        source: String,
        ip: String,
        params: String,
        created_at: Instant,
        received_at: Instant,
        host: String,
        hhash: String,
        edge: String,
        schema: i32,
    }
}
