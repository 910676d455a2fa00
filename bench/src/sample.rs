//! What is sent: page views of about 600 bytes, as the browser script sends them. The same number is the same event.

use serde_json::{Value, json};
use uuid::Uuid;

const PAGES: [&str; 8] =
    ["shoes", "shoes/trail-runner", "jackets", "jackets/rain", "search", "basket", "stores", "about"];

/// The browser that they come from.
pub const AGENT: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                         Chrome/142.0.0.0 Safari/537.36";

/// An id of its kind and number.
fn id(kind: u64, number: u64) -> String {
    Uuid::from_u64_pair((kind << 32) | 0x4000, (1 << 63) | number).to_string()
}

/// The event of a number. Every number has an id of its own; some 5,000 visitors have several sessions each.
pub fn event(number: u64) -> Value {
    let visitor = number % 5_000;
    let page = PAGES.get(number as usize % PAGES.len()).copied().unwrap_or_default();
    json!({
        "eid": id(1, number),
        "vid": id(2, visitor),
        "sid": id(3, (visitor << 16) | (number / 50_000)),
        "oid": id(4, 1),
        "app": "shop",
        "rel": "4.2.0",
        "ptyp": "product",
        "ename": "view",
        "etyp": "page",
        "url": format!("https://shop.example.com/{page}?item={}&utm_source=newsletter", number % 977),
        "last": "https://shop.example.com/",
        "medium": "email",
        "campaign": "winter-2026",
        "culture": "de-CH",
        "tz": "Europe/Zurich",
        "w": 1920,
        "h": 1080,
        "cflags": 5377,
        "duration": 1_000 + number % 9_000,
        "params": { "position": number % 24, "list": "related", "variant": "b" },
    })
}

/// The same without an id of its own.
pub fn nameless(number: u64) -> Value {
    let mut event = event(number);
    if let Some(fields) = event.as_object_mut() {
        fields.remove("eid");
    }
    event
}

/// Many in one body.
pub fn batch(first: u64, events: u64) -> String {
    Value::from_iter((first..first + events).map(event)).to_string()
}

/// Where a visitor comes from: an address of documentation ranges would be nowhere, so those of a public network.
pub fn address(number: u64) -> String {
    format!("81.6.{}.{}", number % 64, number % 251 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_as_long_as_those_of_browsers() {
        let length = event(7).to_string().len();
        assert!((500..700).contains(&length), "{length}");
        assert_ne!(event(7)["eid"], event(8)["eid"]);
        assert_eq!(event(7), event(7));
    }

    #[test]
    fn a_batch_is_an_array_of_them() {
        let several: Vec<Value> = serde_json::from_str(&batch(3, 2)).unwrap();
        assert_eq!(several, [event(3), event(4)]);
    }
}
