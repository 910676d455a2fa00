//! A message as a line of JSON. Values stay as they are written: no number is rounded, no field changes its place.

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};
use tracker_schemas::{Bytes, Timestamp};
use tracker_stream::envelope::Message;

/// Names and values, in order. Absent values are not there.
#[derive(Debug)]
pub struct Line(Vec<(String, Box<RawValue>)>);

impl Line {
    /// The line of a record.
    ///
    /// # Errors
    /// What is no JSON object.
    pub fn of(record: &impl Serialize) -> serde_json::Result<Self> {
        // A line feed in JSON is only ever space: within a text it is written `\n`.
        let text = serde_json::to_string(record)?.replace(['\n', '\r'], " ");
        let mut line: Self = serde_json::from_str(&text)?;
        line.0.retain(|(_, value)| !matches!(value.get(), "null" | "[]"));
        Ok(line)
    }

    /// The same with where the message stood.
    pub fn with_meta(mut self, message: &Message) -> Self {
        let meta = [
            ("_partition", raw(&message.partition)),
            ("_offset", raw(&message.offset)),
            ("_timestamp", raw(&Timestamp(message.timestamp_ms))),
            ("_key", message.key.clone().and_then(|key| raw(&Bytes(key)))),
        ];
        let meta = meta.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        self.0.splice(0..0, meta);
        self
    }

    /// Only these fields, absent ones as null; no names: all that are there.
    pub fn select(self, names: &[String]) -> Self {
        if names.is_empty() {
            return self;
        }
        let value =
            |name: &str| self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let null = || RawValue::from_string("null".to_owned()).ok();
        Self(names.iter().filter_map(|name| Some((name.clone(), value(name).or_else(null)?))).collect())
    }

    /// The value of a field as text: what a string says, or JSON as it is written; a dotted name looks into objects.
    /// Absent is empty.
    pub fn text(&self, name: &str) -> Cow<'_, str> {
        if let Some((_, value)) = self.0.iter().find(|(known, _)| known == name) {
            return plain(value);
        }
        let inner = name.split_once('.').and_then(|(first, rest)| {
            let (_, value) = self.0.iter().find(|(known, _)| known == first)?;
            let line: Self = serde_json::from_str(value.get()).ok()?;
            Some(line.text(rest).into_owned())
        });
        inner.unwrap_or_default().into()
    }
}

fn raw(value: &impl Serialize) -> Option<Box<RawValue>> {
    serde_json::value::to_raw_value(value).ok()
}

fn plain(value: &RawValue) -> Cow<'_, str> {
    match serde_json::from_str::<String>(value.get()) {
        Ok(text) => text.into(),
        Err(_) => value.get().into(),
    }
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Line;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Line, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Line(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracker_schemas::{Encoder, Enriched, Event, JsonText, examples};

    fn event() -> Event {
        let mut event: Event = examples::one("click");
        event.fact.params =
            Some(JsonText("{\n\"n\": 12345678901234567890.10,\r\"plan\":\"pro\"}".to_owned()));
        event
    }

    #[test]
    fn a_line_is_one_line_in_the_order_of_the_schema_without_what_is_absent() {
        let line = Line::of(&event()).unwrap().to_string();
        assert!(line.starts_with(r#"{"eid":"019ab4c0-0002-7000-8000-000000000002","vid":"#), "{line}");
        assert!(line.contains(r#""params":{ "n": 12345678901234567890.10, "plan":"pro"},"#), "{line}");
        assert!(!line.contains(['\n', '\r']) && !line.contains("null") && !line.contains("[]"), "{line}");
    }

    #[test]
    fn selected_fields_come_in_the_order_asked_for() {
        let names = ["ename", "uid", "kind"].map(str::to_owned);
        let line = Line::of(&event()).unwrap().select(&names).to_string();
        assert_eq!(line, r#"{"ename":"click","uid":null,"kind":"client"}"#);
    }

    #[test]
    fn a_field_has_a_text() {
        let line = Line::of(&event()).unwrap();
        let texts = ["ename", "opt_out", "duration", "params.plan", "params.n", "uid", "params.x.y"];
        let texts = texts.map(|name| line.text(name).into_owned());
        assert_eq!(texts, ["click", "false", "41562", "pro", "12345678901234567890.10", "", ""]);
    }

    #[test]
    fn meta_says_where_the_message_stood() {
        let message = Message {
            topic: "t".into(),
            partition: 2,
            offset: 7,
            timestamp_ms: 0,
            key: Some(b"k".to_vec()),
            payload: Vec::new(),
            headers: tracker_stream::envelope::Headers::new(),
        };
        let line = Line::of(&event()).unwrap().with_meta(&message).to_string();
        let meta = r#"{"_partition":2,"_offset":7,"_timestamp":"1970-01-01T00:00:00.000Z","_key":"k","eid":"#;
        assert!(line.starts_with(meta), "{line}");
    }

    #[test]
    fn every_example_becomes_a_line_through_its_decoder() {
        let mut decoder = super::super::decode::of(tracker_schemas::Topic::Enriched, Vec::new()).unwrap();
        for (case, enriched) in examples::all::<Enriched>() {
            let line = decoder.decode(&Encoder::single_object().encode(&enriched)).unwrap();
            assert_eq!(line.text("eid"), enriched.fact.eid.to_string(), "{case}");
        }
        assert!(decoder.decode(b"{}").unwrap_err().contains("neither Avro"));
    }
}
