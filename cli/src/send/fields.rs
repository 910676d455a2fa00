//! Events from arguments: `key=text`, `key:=json`.

use crate::Failure;
use serde_json::{Map, Value};
use std::str::FromStr;

/// One `KEY=VALUE`.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    path: Vec<String>,
    value: Value,
}

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) =
            text.split_once('=').ok_or("must be KEY=VALUE, or KEY:=JSON; a file goes after --file")?;
        let (key, value) = match key.strip_suffix(':') {
            Some(key) => (key, serde_json::from_str(value).map_err(|error| format!("is no JSON: {error}"))?),
            None => (key, Value::String(value.to_owned())),
        };
        let path: Vec<String> = key.split('.').map(str::to_owned).collect();
        if path.iter().any(String::is_empty) {
            return Err("has no name before the `=`".to_owned());
        }
        Ok(Self { path, value })
    }
}

impl Pair {
    /// Sets the value in `object`, with the objects on the way to it.
    ///
    /// # Errors
    /// Something on the way that is no object.
    pub fn set(&self, object: &mut Map<String, Value>) -> Result<(), String> {
        let Some((last, way)) = self.path.split_last() else { return Ok(()) };
        let mut inner = object;
        for name in way {
            let step = inner.entry(name).or_insert_with(|| Value::Object(Map::new()));
            inner = step.as_object_mut().ok_or_else(|| format!("`{name}` is no object"))?;
        }
        inner.insert(last.clone(), self.value.clone());
        Ok(())
    }
}

/// The event that all pairs together are.
///
/// # Errors
/// A name that is both a value and an object.
pub fn object(pairs: &[Pair]) -> Result<Map<String, Value>, Failure> {
    let mut object = Map::new();
    for pair in pairs {
        pair.set(&mut object).map_err(Failure::Usage)?;
    }
    Ok(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(texts: &[&str]) -> Result<Value, String> {
        let pairs = texts.iter().map(|text| text.parse()).collect::<Result<Vec<Pair>, _>>()?;
        object(&pairs).map(Value::Object).map_err(|failure| failure.to_string())
    }

    #[test]
    fn text_stays_text_and_json_is_json() {
        let event = read(&[
            "ename=signup",
            "url=https://x.example/?a=b",
            "zip=01234",
            "w:=1280",
            "params.trial:=true",
        ]);
        let url = "https://x.example/?a=b";
        let wanted =
            json!({ "ename": "signup", "url": url, "zip": "01234", "w": 1280, "params": { "trial": true } });
        assert_eq!(event.unwrap(), wanted);
    }

    #[test]
    fn what_is_no_field_is_refused() {
        assert!(read(&["ename"]).unwrap_err().contains("KEY=VALUE"));
        assert!(read(&["w:=wide"]).unwrap_err().contains("no JSON"));
        assert!(read(&["=x"]).unwrap_err().contains("no name"));
        assert!(read(&["params=x", "params.plan=pro"]).unwrap_err().contains("no object"));
    }
}
