//! The promises, on the real binaries, a real broker and a real ClickHouse.
//!
//! One broker and one database serve the whole run; each `Site` has topics, a database and processes of its own. Tests
//! wait for conditions and never for a time. `make test` builds the binaries first.

#[cfg(test)]
mod bodies;
#[cfg(test)]
mod books;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod chaos;
#[cfg(test)]
mod columns;
#[cfg(test)]
mod consent;
#[cfg(test)]
mod dead_letters;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod endpoints;
#[cfg(test)]
mod enrich_once;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod geography;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod guards;
#[cfg(test)]
mod hot;
#[cfg(test)]
mod hushed;
#[cfg(test)]
mod inlets;
#[cfg(test)]
mod journey;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod micro;
#[cfg(test)]
mod payments;
#[cfg(test)]
mod payments_once;
#[cfg(test)]
mod planned;
#[cfg(test)]
mod registry;
#[cfg(test)]
mod regression;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod security;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod socket;
#[cfg(test)]
mod spool;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod tools;
#[cfg(test)]
mod trace;
#[cfg(test)]
mod up;
#[cfg(test)]
mod views;
#[cfg(test)]
mod watchdog;
#[cfg(test)]
mod wire;
