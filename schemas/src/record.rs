//! `record!`: a Rust struct and its Avro encoding from one list of fields.
//!
//! The `.avsc` file stays the contract: `tests` proves with `apache-avro` that what is written here is what
//! the file says, field by field. apache-avro's own paths were measured at three times (serde) to ten times
//! (`Value`) the cost of these direct calls.

use crate::{codec::Malformed, topic::Topic};

/// A record that is the value of a topic's messages.
pub trait Record: crate::datum::Datum + Sized {
    /// The topic that carries it.
    const TOPIC: Topic;
}

/// What is left of a message while it is read.
pub type Input<'a> = &'a [u8];

/// The result of reading one value.
pub type Read<T> = Result<T, Malformed>;

/// Declares a struct whose fields are encoded in the order in which they stand.
macro_rules! record {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$doc:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        pub struct $name { $($(#[$doc])* pub $field: $type,)* }

        impl $crate::datum::Datum for $name {
            fn write(&self, out: &mut Vec<u8>) { $(self.$field.write(out);)* }
            fn read(input: &mut $crate::record::Input<'_>) -> $crate::record::Read<Self> {
                Ok(Self { $($field: $crate::datum::Datum::read(input)
                    .map_err(|e: $crate::codec::Malformed| e.within(stringify!($field)))?,)* })
            }
        }
    };
}
pub(crate) use record;
