//! The life of the process.

use std::process::ExitCode;
use tracker_edge::{Listeners, Setup, files, run};
use tracker_stream::process::{self, About, Failure, Start};

const ABOUT: About = About {
    name: "tracker-edge",
    summary: "Takes events and payments over HTTP, and answers when the broker has them",
    check: |settings| Setup::read(settings).map(drop),
};

fn main() -> ExitCode {
    process::main(ABOUT, live)
}

async fn live(start: Start) -> Result<(), Failure> {
    let setup = Setup::read(&start.settings)?;
    open_files(setup.config.connection.most);
    let listeners = Listeners::bind(&setup.config).await?;
    tracing::info!(listen = %setup.config.listen, node = setup.config.node, "the edge listens");
    run(setup, listeners, start.metrics, start.shutdown).await
}

/// An edge that cannot have as many connections as it was told to is an edge all the same.
fn open_files(connections: usize) {
    match files::raise() {
        Ok(limit) => {
            if let Some(shortage) = files::shortage(limit, connections) {
                tracing::warn!("{shortage}");
            }
        }
        Err(error) => tracing::warn!(%error, "the limit of open files could not be raised"),
    }
}
