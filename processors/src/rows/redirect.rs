//! Rows of `redirect_history`.

use super::{
    cell::{Id, Instant},
    row,
};
use tracker_schemas::Redirect;
use tracker_stream::envelope::Message;
use uuid::Uuid;

row! {
    /// A change of a short link as the table `redirect_history` takes it. The table `redirects` follows from that.
    RedirectRow of Redirect in "redirect_history"
    own {
        id: Id,
        address: String,
        urlfrom: String,
        urlto: String,
        searchto: String,
        oid: Id,
        org: String,
        updater: String,
        updated_at: Instant,
    }
    placed {
        partition: i32,
        offset: i64,
        produced_at: Instant,
    }
    stamped {
        deleted: bool,
    }
    tombstone removal
}

/// The row of a link that was removed: its key says which, its headers by whom.
fn removal(message: &Message) -> Option<RedirectRow> {
    let address = String::from_utf8(message.key.clone()?).ok()?;
    let told = |name| std::str::from_utf8(message.headers.get(name)?).ok();
    let id = |name| told(name).and_then(|id| Uuid::try_parse(id).ok());
    let removed = Redirect {
        id: id(Redirect::REMOVAL).unwrap_or_default(),
        urlfrom: address.clone(),
        address,
        oid: id(Redirect::TENANT),
        updater: told(Redirect::REMOVER).unwrap_or_default().to_owned(),
        ..Redirect::default()
    };
    let row = RedirectRow::try_from(removed).ok()?;
    Some(RedirectRow { updated_at: Instant::nearest(message.timestamp_ms), deleted: true, ..row })
}
