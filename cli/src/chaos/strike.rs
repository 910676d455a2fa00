//! One blow: what is done to which part, and for how long.

use super::{
    count::count,
    lab::{Lab, Leave},
    part::Part,
};
use crate::Failure;
use std::{fmt, time::Duration};
use tokio::time::{Instant, sleep};
use tracker_processors::clickhouse::Client;
use tracker_stack::Network;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// `kill -9`; started again after the span.
    Kill,
    /// `kill -9` of the database while it carries out an insert.
    KillInInsert,
    /// SIGTERM, or the usual end of a broker or database; started again after the span.
    Stop,
    /// SIGSTOP for the span.
    Pause,
    /// The network to it is cut for the span.
    Cut,
    /// The network to it is slow for the span.
    Slow,
    /// The network to it swallows everything for the span.
    Stall,
    /// Every connection to it is reset, once.
    Reset,
    /// A second of its kind joins for the span, then leaves in order.
    Join,
    /// A third of its kind joins for the span, then is killed.
    JoinAndDie,
}

/// One blow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strike {
    /// What is done.
    pub deed: Deed,
    /// To what.
    pub part: Part,
    /// For how long.
    pub span: Duration,
}

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { deed, part, span } = self;
        let what = match deed {
            Deed::Kill => "kill -9",
            Deed::KillInInsert => "kill -9 within an insert",
            Deed::Stop => "stop",
            Deed::Pause => "SIGSTOP",
            Deed::Cut => "cut network",
            Deed::Slow => "slow network",
            Deed::Stall => "black hole",
            Deed::Reset => "reset connections",
            Deed::Join => "a second one joins",
            Deed::JoinAndDie => "a third one joins and is killed",
        };
        write!(f, "{part}: {what}, {:.1} s", span.as_secs_f64())
    }
}

/// What a slow network adds each way.
const DELAY: Duration = Duration::from_millis(150);
/// How long an insert is waited for.
const INSERT: Duration = Duration::from_secs(10);
/// How often an insert is looked for: most are over in some milliseconds.
const LOOK: Duration = Duration::from_millis(2);

impl Strike {
    /// Deals it, and makes the part well again. Whether a process that ran was killed.
    ///
    /// # Errors
    /// A part that does not come up again.
    pub async fn deal(self, lab: &Lab) -> Result<bool, Failure> {
        let Self { deed, part, span } = self;
        let _turn = lab.turn(part).await;
        match deed {
            Deed::Kill => down(lab, part, span).await,
            Deed::KillInInsert => {
                an_insert(&lab.client()?).await;
                down(lab, part, span).await
            }
            Deed::Stop => {
                let _code = lab.end(part).await?;
                sleep(span).await;
                lab.begin(part).await?;
                Ok(false)
            }
            Deed::Pause => lab.pause(part, span).await.map(|()| false),
            Deed::Cut => spoil(lab, part, Network::Cut, span).await,
            Deed::Slow => spoil(lab, part, Network::Slow(DELAY), span).await,
            Deed::Stall => spoil(lab, part, Network::Stalled, span).await,
            Deed::Reset => {
                lab.network(part).into_iter().for_each(tracker_stack::Proxy::reset);
                Ok(false)
            }
            Deed::Join => visit(lab, part, 1, span).await,
            Deed::JoinAndDie => visit(lab, part, 2, span).await,
        }
    }
}

async fn down(lab: &Lab, part: Part, span: Duration) -> Result<bool, Failure> {
    let killed = lab.kill(part).await?;
    sleep(span).await;
    lab.begin(part).await?;
    Ok(killed)
}

async fn spoil(lab: &Lab, part: Part, network: Network, span: Duration) -> Result<bool, Failure> {
    if let Some(proxy) = lab.network(part) {
        proxy.set(network);
        sleep(span).await;
        proxy.set(Network::Open);
    }
    Ok(false)
}

/// One more of its kind comes and goes: two rebalances.
async fn visit(lab: &Lab, part: Part, seat: u16, span: Duration) -> Result<bool, Failure> {
    let how = if seat == 1 { Leave::InOrder } else { Leave::Killed };
    lab.join(part, seat).await?;
    sleep(span).await;
    let code = lab.leave(part, seat, how).await?;
    Ok(how == Leave::Killed && code.is_some())
}

/// Waits until the database carries out an insert, or long enough.
async fn an_insert(client: &Client) {
    let sql = "SELECT count() AS n FROM system.processes WHERE query_kind = 'Insert'";
    let began = Instant::now();
    while began.elapsed() < INSERT {
        if count(client, sql, &[]).await.unwrap_or_default() > 0 {
            return;
        }
        sleep(LOOK).await;
    }
}
