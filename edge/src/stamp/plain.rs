//! What names a person and stands in `params`. It must be stored nowhere in the clear, wherever it was put.

use super::params::object;
use crate::draft::{Draft, Field, take::quote};
use std::borrow::Cow;

/// What names a person, and the column of its hash.
const PLAIN: [(&str, &str); 3] = [("email", "ehash"), ("cell", "chash"), ("uname", "uhash")];

/// Takes `email`, `cell` and `uname`, in any letter case, out of a `params` that is an object. Each becomes the field
/// of its name, unless that one or its hash was sent: then the column is theirs. Texts of nested values count as texts:
/// a `params` that nobody promised a shape for refuses no event.
pub fn lift(draft: &mut Draft<'_>) {
    let named = |params| object(params).is_some_and(|all| all.iter().any(|(key, _)| plain(key).is_some()));
    if !draft.get("params").is_some_and(named) {
        return;
    }
    let Some(params) = draft.take("params") else { return };
    let members = object(&params).unwrap_or_default();
    let mut others = String::with_capacity(params.as_text().len());
    for (key, json) in members {
        match plain(&key) {
            Some(names) => offer(draft, names, json),
            None => {
                others.push(if others.is_empty() { '{' } else { ',' });
                quote(&key, &mut others);
                others.extend([":", json]);
            }
        }
    }
    others.push_str(if others.is_empty() { "{}" } else { "}" });
    draft.set("params", Field::Json(others.into()));
}

fn plain(key: &str) -> Option<(&'static str, &'static str)> {
    PLAIN.into_iter().find(|(name, _)| key.eq_ignore_ascii_case(name))
}

fn offer(draft: &mut Draft<'_>, (name, hash): (&'static str, &'static str), json: &str) {
    let sent = [name, hash].into_iter().filter_map(|key| draft.get(key)).any(|field| !field.is_blank());
    if !sent && json != "null" {
        let text: Cow<'_, str> = serde_json::from_str(json).map_or(json.into(), |text: String| text.into());
        draft.set(name, Field::Text(text.into_owned().into()));
    }
}
