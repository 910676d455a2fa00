//! A message's record, corrected by a filter of the jq language. Pure.
//!
//! The record is written as JSON, filtered, read again, and encoded by its schema. What the filter leaves alone stays to
//! the last letter: numbers keep their digits, and the text of `params` is not written anew.

use jaq_core::{
    Compiler, Ctx, Vars,
    data::JustLut,
    load::{Arena, File, Loader},
    unwrap_valr,
};
use jaq_json::{Val, read};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use tracker_schemas::{Agreement, Decoder, Encoder, Enriched, Event, JsonText, Payment, Record};
use uuid::Uuid;

/// A filter that was understood.
pub struct Filter(jaq_core::compile::Filter<jaq_core::Native<JustLut<Val>>>);

impl Filter {
    /// Understands the text of a filter.
    ///
    /// # Errors
    /// Words for what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
        let funs = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
        let arena = Arena::default();
        let loaded = Loader::new(defs).load(&arena, File { code: text, path: () });
        let modules = loaded.map_err(|_| format!("--edit {text}: is no filter of the jq language"))?;
        let compiled = Compiler::default().with_funs(funs).compile(modules);
        compiled.map(Self).map_err(|errors| {
            let unknown = errors
                .iter()
                .flat_map(|(_, these)| these)
                .map(|(name, kind)| format!("there is no {} `{name}`", kind.as_str()));
            format!("--edit {text}: {}", unknown.collect::<Vec<_>>().join("; "))
        })
    }

    /// What it makes of a JSON text: exactly one value.
    fn apply(&self, json: &str) -> Result<String, String> {
        let input = read::parse_single(json.as_bytes()).map_err(|error| error.to_string())?;
        let context = Ctx::<JustLut<Val>>::new(&self.0.lut, Vars::new([]));
        let mut made = self.0.id.run((context, input)).map(unwrap_valr);
        let first = made.next().ok_or("the filter makes nothing of it")?;
        let first = first.map_err(|error| format!("the filter fails: {error}"))?;
        if made.next().is_some() {
            return Err("the filter makes more than one value of it".to_owned());
        }
        Ok(first.to_string())
    }
}

/// A record that may be corrected.
pub trait Correctable: Record + Serialize + DeserializeOwned {
    /// Its id, which stays.
    fn id(&self) -> Uuid;
    /// Its fields that hold the text of JSON, always the same in the same order.
    fn texts(&mut self) -> Vec<&mut Option<JsonText>>;
}

impl Correctable for Event {
    fn id(&self) -> Uuid {
        self.fact.eid
    }

    fn texts(&mut self) -> Vec<&mut Option<JsonText>> {
        vec![&mut self.fact.targets, &mut self.fact.params]
    }
}

impl Correctable for Enriched {
    fn id(&self) -> Uuid {
        self.fact.eid
    }

    fn texts(&mut self) -> Vec<&mut Option<JsonText>> {
        vec![&mut self.fact.targets, &mut self.fact.params]
    }
}

impl Correctable for Payment {
    fn id(&self) -> Uuid {
        self.id
    }

    fn texts(&mut self) -> Vec<&mut Option<JsonText>> {
        vec![&mut self.params]
    }
}

impl Correctable for Agreement {
    fn id(&self) -> Uuid {
        self.id
    }

    fn texts(&mut self) -> Vec<&mut Option<JsonText>> {
        vec![&mut self.compliances, &mut self.params]
    }
}

/// The corrected message of one whose value is `payload`.
///
/// # Errors
/// Words for why there is none.
pub fn corrected<R: Correctable>(
    (decoder, encoder): (&Decoder<R>, &Encoder<R>),
    filter: &Filter,
    payload: &[u8],
) -> Result<Vec<u8>, String> {
    let mut record = decoder.decode(payload).map_err(|malformed| {
        format!("cannot be decoded ({malformed}), so there is nothing to edit; without --edit it is sent as it was")
    })?;
    let json = serde_json::to_string(&record).map_err(|error| error.to_string())?;
    let made = filter.apply(&json)?;
    let known: Map<String, Value> = parse(&json)?;
    let fields: Map<String, Value> = parse(&made).map_err(|_| "the filter does not give an object")?;
    if let Some(name) = fields.keys().find(|name| !known.contains_key(*name)) {
        return Err(format!("a record of {} has no field `{name}`", R::TOPIC));
    }
    let mut edited: R = parse(&made)?;
    if edited.id() != record.id() {
        return Err(format!("the id {} may not change", record.id()));
    }
    // Both were read from JSON: where they agree, nothing was edited, and the text stays as it was written.
    let mut reread: R = parse(&json)?;
    let texts = edited.texts().into_iter().zip(reread.texts()).zip(record.texts());
    for ((edited, reread), written) in texts {
        if edited == reread {
            edited.clone_from(written);
        }
    }
    Ok(encoder.encode(&edited))
}

fn parse<T: DeserializeOwned>(json: &str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|error| format!("the corrected record is none: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use tracker_schemas::{Decimal, examples};

    fn edit<R: Correctable>(record: &R, filter: &str) -> Result<R, String> {
        let codec = (&Decoder::new(), &Encoder::single_object());
        let payload = codec.1.encode(record);
        corrected(codec, &Filter::parse(filter)?, &payload).map(|bytes| codec.0.decode(&bytes).unwrap())
    }

    #[test]
    fn a_field_is_corrected_and_everything_else_stays() {
        let mut event: Event = examples::one("every_field");
        event.fact.params = Some(JsonText(r#"{"n": 12345678901234567890.10}"#.to_owned()));
        let edited = edit(&event, r#".ver = 7 | .ename |= ascii_upcase"#).unwrap();
        event.fact.ver = Some(7);
        event.fact.ename = event.fact.ename.map(|name| name.to_uppercase());
        assert_eq!(edited, event);
    }

    #[test]
    fn an_amount_keeps_its_places() {
        let payment: Payment = examples::one("exact_decimals");
        assert_eq!(edit(&payment, ".").unwrap(), payment);
        let edited = edit(&payment, r#".revenue = "-0.0001""#).unwrap();
        assert_eq!(edited.revenue, Decimal::from_units(-1));
    }

    #[test]
    fn params_can_be_corrected_too() {
        let mut event: Enriched = examples::one("page_view");
        event.fact.params = Some(JsonText(r#"{"a":1}"#.to_owned()));
        let edited = edit(&event, ".params.b = 2").unwrap();
        assert_eq!(edited.fact.params, Some(JsonText(r#"{"a":1,"b":2}"#.to_owned())));
        assert_eq!(edit(&event, "del(.params)").unwrap().fact.params, None);
    }

    #[rstest]
    #[case(".ver = \"seven\"", "the corrected record is none: ")]
    #[case(".verr = 7", "has no field `verr`")]
    #[case(".eid = \"00000000-0000-0000-0000-000000000001\"", "may not change")]
    #[case("del(.eid)", "may not change")]
    #[case("empty", "makes nothing")]
    #[case("., .", "more than one")]
    #[case("[.]", "does not give an object")]
    #[case("error(\"no\")", "the filter fails")]
    #[case(".ver =", "is no filter of the jq language")]
    #[case("nonsense(.)", "there is no filter `nonsense`")]
    fn what_makes_no_record_is_refused(#[case] filter: &str, #[case] why: &str) {
        let refused = edit(&examples::one::<Event>("click"), filter).unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }

    #[test]
    fn what_cannot_be_decoded_cannot_be_edited() {
        let codec = (&Decoder::<Event>::new(), &Encoder::single_object());
        let refused = corrected(codec, &Filter::parse(".").unwrap(), b"{}").unwrap_err();
        assert!(refused.contains("without --edit it is sent as it was"), "{refused}");
    }
}
