//! The fields that a missing consent can remove, each with how.

use tracker_schemas::Enriched;

/// Empties one field.
pub(super) type Clear = fn(&mut Enriched);

macro_rules! removable {
    (fact: $($fact:ident)*; own: $($own:ident)*) => {
        /// All of them, by the name in the schema. Not among them: what identifies the event or says what it is.
        const REMOVABLE: &[(&str, Clear)] = &[
            $((stringify!($fact), |event| event.fact.$fact = Default::default()),)*
            $((stringify!($own), |event| event.$own = Default::default()),)*
            ("ref", |event| event.fact.r#ref = None),
        ];
    };
}

removable! {
    fact: vid sid uid oid tid rid auth_id invoice_id mid org app rel ptyp relation url last rcode aff
          gclid fbclid msclkid ttclid li_fat_id twclid source medium campaign term content
          xid split ver arm_id mcid sink score outcome duration lat lon country region city zip tz
          device os browser culture w h gaid idfa msid fbid ehash chash uhash
          audience audience_tags content_tags tags targets params host hhash;
    own: ip iphash asn as_org user_agent device_type referrer search_term
}

/// How the field of this name is emptied; none where no such field can be.
pub(super) fn clear(name: &str) -> Option<Clear> {
    REMOVABLE.iter().find(|(known, _)| *known == name).map(|(_, clear)| *clear)
}

/// The names, for a message to whoever mistyped one.
pub(super) fn names() -> String {
    REMOVABLE.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}
