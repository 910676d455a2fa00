//! The broker is away: every event is fsynced before its 200. Beside it the least that could do that: a thread which
//! writes whatever has come, fsyncs once for all of it, and tells them.

use crate::{
    bench::{Bench, Extent},
    line::{Goal, Group, Line, Measured, Share},
    load::{Pace, Shots, run},
    rounds::{BOTH, Side, in_turns},
    sheet::Sheet,
    site::Parts,
};
use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{Instant, sleep},
};
use tracker_cli::{Failure, chaos::part::Part};
use tracker_stream::fault::Fault;

const RATE: &str = "edge spool";
const COST: &str = "edge spool CPU";
/// Writers that wait, on both sides: few enough that both wait for the disk, and neither for a core.
const CONNECTIONS: usize = 32;
/// Requests wait so long for a broker that was there, and are spooled at once when it has not answered: `edge.spool.after`,
/// and a margin.
const LEARNING: Duration = Duration::from_secs(4);
/// Bytes of an event in the spool, about.
const RECORD: usize = 512;

const LINES: [Line; 2] = [
    Line {
        name: RATE,
        what: "broker away: events a second, each fsynced before its 200, one a POST, 32 connections / a raw loop of group \
               commits for as many writers",
        unit: "ev/s",
        goal: Goal::ratio_at_least(0.7),
    },
    Line { name: COST, what: "CPU an event of the edge then", unit: "µs", goal: None },
];

pub(super) fn group() -> Group {
    Group {
        name: "the spool",
        lines: &LINES,
        share: Share { full: 65, quick: 15 },
        measure: |bench, sheet| Box::pin(measure(bench, sheet)),
    }
}

/// What a turn gave: events a second, and what one cost where that was the edge's.
struct Turn {
    rate: f64,
    us: f64,
}

async fn measure(bench: &Bench, sheet: &mut Sheet) -> Result<(), Failure> {
    let (site, extent) = (bench.another("spool", Parts::Broker).await?, sheet.extent);
    let edge = site.program(Part::Edge, "edge", "").await?;
    site.ground.broker.lock().await.kill();
    let (target, shots) = (edge.target(), Shots::singles());
    let learning = Extent { warming: LEARNING, stretch: extent.warming, ..extent };
    run(target, &shots, CONNECTIONS, Pace::Full, &learning).await?;
    let file = site.folder.join("raw");
    let turn = async |side| match side {
        Side::Ours => {
            let stretch = run(target, &shots, CONNECTIONS, Pace::Full, &extent).await?;
            Ok(Turn { rate: stretch.rate(), us: stretch.us_an_event() })
        }
        Side::Reference => Ok(Turn { rate: commits(&file, &extent).await?, us: 0.0 }),
    };
    let [ours, raw] = in_turns(sheet.rounds, BOTH, turn).await?;
    drop(edge); // what it has spooled has no broker to go to
    let rates = |turns: &[Turn]| turns.iter().map(|turn| turn.rate).collect();
    sheet.put(Measured::both(RATE, rates(&ours), rates(&raw)));
    sheet.put(Measured::alone(COST, ours.iter().map(|turn| turn.us).collect()));
    Ok(())
}

/// Records a second that a raw loop makes safe.
async fn commits(path: &Path, extent: &Extent) -> Result<f64, Failure> {
    let file = OpenOptions::new().create(true).write(true).truncate(true).open(path);
    let file = file.map_err(Failure::io(path.display()))?;
    let (queue, inbox) = mpsc::channel::<oneshot::Sender<()>>(CONNECTIONS);
    let thread = thread::spawn(move || commit(file, inbox));
    let safe = Arc::new(AtomicU64::new(0));
    let mut writers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (queue, safe) = (queue.clone(), Arc::clone(&safe));
        writers.spawn(async move {
            loop {
                let (told, answer) = oneshot::channel();
                if queue.send(told).await.is_err() || answer.await.is_err() {
                    return;
                }
                safe.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    drop(queue);
    sleep(extent.warming).await;
    let (began, before) = (Instant::now(), safe.load(Ordering::Relaxed));
    sleep(extent.stretch).await;
    let rate = (safe.load(Ordering::Relaxed) - before) as f64 / began.elapsed().as_secs_f64();
    writers.shutdown().await;
    let ended = thread.join().map_err(|_| Fault::new("raw_spool", "the thread has died"))?;
    ended.map_err(Failure::io(path.display()))?;
    Ok(rate)
}

/// Until nobody asks any more.
fn commit(mut file: File, mut inbox: mpsc::Receiver<oneshot::Sender<()>>) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    while let Some(first) = inbox.blocking_recv() {
        let mut waiting = vec![first];
        while let Ok(next) = inbox.try_recv() {
            waiting.push(next);
        }
        buffer.clear();
        buffer.resize(waiting.len() * RECORD, 7);
        file.write_all(&buffer)?;
        file.sync_data()?;
        for told in waiting {
            let _gone = told.send(()); // at the end of a turn nobody waits any more
        }
    }
    Ok(())
}
