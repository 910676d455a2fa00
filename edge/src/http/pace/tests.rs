use super::{ALLOWED, Pace};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, timeout};

const SPAN: Duration = Duration::from_secs(10);

fn answered(pace: &Arc<Pace>) {
    Pace::begin(pace).end();
}

fn taken_back(pace: &Arc<Pace>) {
    drop(Pace::begin(pace));
}

async fn is_spent(pace: &Pace) -> bool {
    timeout(Duration::from_millis(1), pace.spent()).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn a_client_may_take_back_what_it_asked_but_not_for_ever() {
    let pace = Arc::new(Pace::default());
    for _ in 0..ALLOWED {
        taken_back(&pace);
    }
    assert!(!is_spent(&pace).await);
    taken_back(&pace);
    assert!(is_spent(&pace).await);
}

#[tokio::test(start_paused = true)]
async fn each_answer_that_a_client_waits_for_lets_it_take_back_one_more() {
    let pace = Arc::new(Pace::default());
    for _ in 0..10 * ALLOWED {
        answered(&pace);
        taken_back(&pace);
    }
    assert!(!is_spent(&pace).await);
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_quiet_when_nothing_is_open_and_nothing_began_for_a_while() {
    let pace = Arc::new(Pace::default());
    let began = Instant::now();
    let open = Pace::begin(&pace);
    let asking = {
        let pace = Arc::clone(&pace);
        tokio::spawn(async move {
            tokio::time::sleep(3 * SPAN).await;
            open.end();
            answered(&pace);
        })
    };
    pace.quiet(SPAN).await;
    assert!(began.elapsed() >= 4 * SPAN, "{:?}", began.elapsed());
    assert!(began.elapsed() <= 6 * SPAN, "{:?}", began.elapsed());
    asking.await.unwrap();
}
