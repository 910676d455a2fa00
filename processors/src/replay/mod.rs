//! `tracker replay`: what a topic holds, once more: into its table, into a shadow of the database, or into the topic itself.
//!
//! An [`Order`] is what was asked for. [`Range`]s of offsets are fixed once, before anything is read, and stand in a
//! [`State`] on disk. [`Replay::run`] goes through them block by block: a [`Block`] is cut by what its messages are and by
//! nothing else, so it is the same whenever it is read. What is stored already is left out ([`Store::stored`]), and so are
//! persons who were erased ([`Erased`]). The exact offsets that go in are written to the state before they do, and the
//! insert is known by a token made of them: a replay that was killed repeats its last block to the letter, and ClickHouse
//! stores it once.
//!
//! A replay must never double a row, in the table or in a view of it, and never starve live traffic: see [`Pace`] and
//! [`Live`]. The loader's own duty is left to it: what it has not stored yet is waited for, not replayed.
//!
//! A shadow is a database of the same schema, filled with everything in range; [`shadow`] compares it with the live one
//! and swaps it in, by partition.

mod about;
mod block;
mod config;
mod erased;
mod live;
mod open;
mod order;
mod outlet;
mod pace;
mod range;
mod run;
pub mod shadow;
mod state;
mod store;
#[cfg(test)]
mod tests;

pub use about::{About, Key, Records};
pub use block::{Block, Bounds};
pub use config::ReplayConfig;
pub use erased::Erased;
pub use live::Live;
pub use open::Opening;
pub use order::{Order, Replayed, Where};
pub use outlet::Outlet;
pub use pace::Pace;
pub use range::{Bound, Range, resolve};
pub use run::{Filter, Mode, Replay, Telling};
pub use state::{Counts, Folder, Held, State};
pub use store::Store;
