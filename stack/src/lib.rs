//! A real broker and a real ClickHouse on this machine: started, watched, stopped.
//!
//! [`Cache`] fetches what they are made of, once. [`Broker`] is Apache Kafka in KRaft mode, [`Database`] a ClickHouse;
//! both keep their data in a folder and find them again. [`Supervised`] runs any other program and brings it back
//! when it dies. Everything that can go wrong is a [`Trouble`]: one line that says what to do.
//!
//! No process outlives the one that started it, however that one ends: see [`leash`].
//!
//! This crate knows nothing of what is stored in either, and nothing of Tracker's settings.

mod broker;
mod cache;
mod database;
mod disk;
mod geoip;
pub mod leash;
mod logfile;
mod ports;
mod proxy;
mod supervised;
mod trouble;
mod wait;

pub use broker::{Broker, BrokerOptions};
pub use cache::{Cache, Piece};
pub use database::{Database, DatabaseOptions};
pub use disk::enough_disk;
pub use ports::{PortUse, free_ports, ports_are_free};
pub use proxy::{Network, Proxy};
pub use supervised::{Program, Said, Supervised};
pub use trouble::Trouble;
pub use wait::wait_until;
