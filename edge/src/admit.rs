//! Who may send, and how much: secret keys and the rate limit. Never logs a key or an address.

mod keys;
mod limit;
mod table;

pub use keys::{Keys, Known, Loaded};
pub use limit::{Limited, Limiter, Prefix, Rate};
