//! Rows of `agreed`.

use super::{
    cell::{Id, Instant, Text},
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
        org: Text,
        app: Text,
        rel: Text,
        cflags: i64,
        opt_out: bool,
        regulation: Text,
        jurisdiction: Text,
        compliances: Text,
        country: Text,
        region: Text,
        culture: Text,
        tz: Text,
        url: Text,
        source: Text,
        ip: Text,
        params: Text,
        created_at: Instant,
        received_at: Instant,
        host: Text,
        hhash: Text,
        edge: Text,
        schema: i32,
    }
}
