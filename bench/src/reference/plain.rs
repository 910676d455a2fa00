//! An event as a plain server would take it: the fields of [`sample`](crate::sample), each of its type.

use serde::{Deserialize, Serialize};

/// An event.
#[derive(Debug, Serialize, Deserialize)]
pub struct Plain {
    /// Its id, and the key of its message.
    pub eid: String,
    vid: String,
    sid: String,
    oid: String,
    app: String,
    rel: String,
    ptyp: String,
    ename: String,
    etyp: String,
    url: String,
    last: String,
    medium: String,
    campaign: String,
    culture: String,
    tz: String,
    w: i64,
    h: i64,
    cflags: i64,
    duration: i64,
    params: Params,
}

/// What a shop says besides.
#[derive(Debug, Serialize, Deserialize)]
struct Params {
    position: i64,
    list: String,
    variant: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_loses_nothing_of_what_is_sent() {
        let event = crate::sample::event(5);
        let plain: Plain = serde_json::from_value(event.clone()).unwrap();
        assert_eq!(serde_json::to_value(plain).unwrap(), event);
    }
}
