//! Rows of `redirect_history`.

use super::{
    Place, RowOf,
    cell::{Id, Instant, Text},
    row,
};
use tracker_schemas::{Redirect, RedirectView};
use tracker_stream::envelope::Message;
use uuid::Uuid;

row! {
    /// A change of a short link as the table `redirect_history` takes it. The table `redirects` follows from that.
    RedirectRow of Redirect in "redirect_history"
    own {
        id: Id,
        address: Text,
        urlfrom: Text,
        urlto: Text,
        searchto: Text,
        oid: Id,
        org: Text,
        updater: Text,
        updated_at: Instant,
    }
    placed {
        partition: i32,
        offset: i64,
        produced_at: Instant,
    }
    stamped {
        deleted: bool = false,
    }
    tombstone removal
}

/// The row of a link that was removed: its key says which, its headers by whom.
fn removal(message: &Message) -> Option<RedirectRow> {
    let address = std::str::from_utf8(message.key.as_deref()?).ok()?;
    let told = |name| std::str::from_utf8(message.headers.get(name)?).ok();
    let id = |name| told(name).and_then(|id| Uuid::try_parse(id).ok());
    let removed = RedirectView {
        id: id(Redirect::REMOVAL).unwrap_or_default(),
        address,
        urlfrom: address,
        urlto: "",
        searchto: None,
        oid: id(Redirect::TENANT),
        org: None,
        updater: told(Redirect::REMOVER).unwrap_or_default(),
        updated_at: Instant::nearest(message.timestamp_ms),
    };
    let RedirectRow(row) = RedirectRow::of(removed, &Place::of(message)).ok()?;
    Some(RedirectRow(row.stamped(|row| row.push(1))))
}
