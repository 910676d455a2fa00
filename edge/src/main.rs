//! The life of the process.

use std::process::ExitCode;
use tracker_edge::{Behind, Listeners, Setup, files, run};
use tracker_stream::process::{self, About, Failure, Flag, Start};

const MICRO: Flag = Flag {
    name: "micro",
    help: "Take what an edge takes, without a broker, keep it in memory, and show it under /micro/: for tests of a site",
    check: |settings| Setup::read(settings, Behind::Memory).map(drop),
};

const ABOUT: About = About {
    name: "tracker-edge",
    summary: "Takes events and payments over HTTP, and answers when the broker has them",
    check: |settings| Setup::read(settings, Behind::Broker).map(drop),
    flags: &[MICRO],
};

fn main() -> ExitCode {
    process::main(ABOUT, live)
}

async fn live(start: Start) -> Result<(), Failure> {
    let behind = if start.flag == Some(MICRO.name) { Behind::Memory } else { Behind::Broker };
    let setup = Setup::read(&start.settings, behind)?;
    open_files(setup.config().connection.most);
    let listeners = Listeners::bind(setup.config()).await?;
    tracing::info!(listen = %setup.config().listen, node = setup.config().node, "the edge listens");
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
