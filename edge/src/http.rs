//! The only place that names warp: connections, routes, bodies, answers. Decides nothing about an event.
//!
//! [`serve`] accepts connections and hands each request to [`routes`], which finds its address in the table of `endpoints`;
//! one that records asks [`Collector`](crate::collect::Collector), and [`reply`] turns its answer into HTTP. What hyper refuses by itself (a
//! head that is no HTTP: 400; one over `header_limit`: 431) has an empty body; everything else that is
//! no success is `application/json`.

mod agreements;
pub mod body;
mod connection;
mod cors;
mod documented;
mod endpoints;
mod entrance;
mod form;
mod held;
mod inflate;
mod look;
mod micro;
mod onward;
mod openapi;
mod pace;
mod place;
mod preface;
mod redirect;
pub mod reply;
mod routes;
mod rpi;
mod script;
mod server;
mod settings;
mod socket;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(all(fuzzing, not(test)))]
#[expect(dead_code, reason = "a fuzzer needs some of it")]
pub(crate) mod testing;
mod tls;

pub use routes::{Edge, Peer, routes};
pub use server::{Connections, Doors, serve};
pub use tls::{Tls, Upkeep};
