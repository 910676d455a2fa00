//! `record!`: a Rust struct and its Avro encoding from one list of fields.
//!
//! The `.avsc` file stays the contract: `tests` proves with `apache-avro` that what is written here is what
//! the file says, field by field. apache-avro's own paths were measured at three times (serde) to ten times
//! (`Value`) the cost of these direct calls.

use crate::{codec::Malformed, topic::Topic, view::Viewed};

/// A record that is the value of a topic's messages.
pub trait Record: Viewed {
    /// The topic that carries it.
    const TOPIC: Topic;
}

/// What is left of a message while it is read.
pub type Input<'a> = &'a [u8];

/// The result of reading one value.
pub type Read<T> = Result<T, Malformed>;

/// Declares a struct whose fields are encoded in the order in which they stand, and the view of it.
macro_rules! record {
    ($(#[$meta:meta])* pub struct $name:ident as $view:ident {
        $($(#[doc = $doc:literal])* $(#[serde($($serde:tt)*)])? pub $field:ident: $type:ty,)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        pub struct $name { $($(#[doc = $doc])* $(#[serde($($serde)*)])? pub $field: $type,)* }

        #[doc = concat!("A [`", stringify!($name), "`], seen in the bytes of its message.")]
        #[derive(Debug, Clone)]
        pub struct $view<'a> { $($(#[doc = $doc])* pub $field: <$type as $crate::view::Viewed>::View<'a>,)* }

        impl $crate::datum::Datum for $name {
            fn write(&self, out: &mut Vec<u8>) { $(self.$field.write(out);)* }
            fn read(input: &mut $crate::record::Input<'_>) -> $crate::record::Read<Self> {
                Ok(Self { $($field: $crate::datum::Datum::read(input)
                    .map_err(|e: $crate::codec::Malformed| e.within(stringify!($field)))?,)* })
            }
        }

        impl $crate::view::Viewed for $name {
            type View<'a> = $view<'a>;

            fn view<'a>(input: &mut $crate::record::Input<'a>) -> $crate::record::Read<$view<'a>> {
                Ok($view { $($field: <$type as $crate::view::Viewed>::view(input)
                    .map_err(|e: $crate::codec::Malformed| e.within(stringify!($field)))?,)* })
            }
        }
    };
}
pub(crate) use record;
