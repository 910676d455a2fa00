//! Who may send, and how much: keys, secret and public, and the rate limits. Never logs a key or an address.

pub mod accounts;
pub mod foreign;
mod keys;
mod limit;
pub mod public;
mod rates;
mod table;

pub use keys::{Keys, Known, Loaded};
pub(crate) use limit::whole_seconds;
pub use limit::{Left, Limiter, Prefix, Rate};
pub use rates::{Limited, RateConfig, Rates, Sender};
