//! What every test stands on: the stack, a site on it, and a client.

mod authority;
mod browser;
mod client;
mod crowd;
pub mod hush;
mod pages;
mod processes;
mod site;
mod stack;
mod topics;
mod wire;

pub use authority::Authority;
pub use browser::{Browser, Driver};
pub use client::{Answer, post};
pub use crowd::crowd;
pub use pages::{Page, Pages};
pub use processes::{children, is_gone};
pub use site::{Program, Site, binary, http_client, shared};
pub use stack::{broker, cache, cache_folder, database, geoip, scratch, stack};
pub use wire::{End, connect, refusal, talk};

use std::{future::Future, sync::LazyLock, time::Duration};
use tokio::runtime::Runtime;

/// Time for a condition that is met in a second or two on an idle machine, and in a minute on a busy one.
pub const DEADLINE: Duration = Duration::from_secs(180);

/// One runtime for all tests: processes and connections outlive the test that began them.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

/// Runs an async test, and sees that no secret was logged.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    let end = RUNTIME.block_on(test);
    hush::check();
    end
}

/// Waits until `condition` gives a value; `what` says in the failure what never came.
pub async fn until<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    match tracker_stack::wait_until(DEADLINE, async || condition().await).await {
        Some(value) => value,
        None => panic!("waited {DEADLINE:?} in vain: {what}"),
    }
}
