//! The life of the process.

use std::process::ExitCode;
use tokio::net::TcpListener;
use tracker_edge::{Setup, run};
use tracker_stream::{
    fault::Fault,
    process::{self, About, Failure, Start},
};

const ABOUT: About = About {
    name: "tracker-edge",
    summary: "Takes events and payments over HTTP, and answers when the broker has them",
};

fn main() -> ExitCode {
    process::main(ABOUT, live)
}

async fn live(start: Start) -> Result<(), Failure> {
    let setup = Setup::read(&start.settings)?;
    let listen = setup.config.listen;
    let listener = TcpListener::bind(listen).await.map_err(|error| {
        Fault::new("listen", format!("cannot listen on {listen}: {error}; set another `edge.listen`"))
    })?;
    tracing::info!(%listen, node = setup.config.node, "the edge listens");
    run(setup, listener, start.metrics, start.shutdown).await
}
