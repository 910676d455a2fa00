//! What is left of a browser whose test has failed: nothing.

use crate::rig::{Browser, Driver, children, is_gone, run, until};

/// The browser of a driver, and the processes that it has; not those which it has had.
fn processes(driver: &Driver) -> Vec<u32> {
    let of = |id| children(id).into_iter().map(|(id, _)| id);
    let browsers: Vec<u32> = of(driver.pid()).collect();
    let theirs: Vec<u32> = browsers.iter().flat_map(|id| of(*id)).collect();
    [browsers, theirs].concat().into_iter().filter(|id| !is_gone(*id)).collect()
}

async fn all_end(processes: &[u32]) {
    assert!(processes.len() > 1, "a browser runs: {processes:?}");
    until("the browser has ended with all its processes", async || {
        processes.iter().all(|id| is_gone(*id)).then_some(())
    })
    .await;
}

#[test]
fn a_browser_ends_with_its_driver_which_ends_with_the_tests() {
    run(async {
        let mut driver = Driver::start().await;
        let browser = Browser::of(&driver).await;
        let processes = processes(&driver);
        driver.kill();
        all_end(&processes).await;
        drop(browser);
    });
}

#[test]
fn a_browser_that_nobody_closed_ends_with_its_test() {
    run(async {
        let driver = Driver::start().await;
        let browser = Browser::of(&driver).await;
        let processes = processes(&driver);
        drop(browser);
        all_end(&processes).await;
    });
}
