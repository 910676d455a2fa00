//! Room for thousands of connections: one test at a time has it, as the files that a process may have open are few.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::sync::{Mutex, MutexGuard};

/// Files that everything else of the run may have open meanwhile.
const OTHERS: u64 = 4_000;

/// So many connections may be opened, until it is dropped.
pub struct Crowd {
    pub size: usize,
    _turn: MutexGuard<'static, ()>,
}

/// Waits for its turn. Where the system allows fewer, there are fewer, which is printed.
pub async fn crowd(wanted: usize) -> Crowd {
    static TURN: Mutex<()> = Mutex::const_new(());
    let turn = TURN.lock().await;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard).expect("the hard limit is allowed");
    }
    let room = usize::try_from(hard.saturating_sub(OTHERS)).unwrap_or(usize::MAX);
    let size = wanted.min(room);
    if size < wanted {
        println!("{size} connections instead of {wanted}: the system allows {hard} open files");
    }
    assert!(size >= 100, "{hard} open files are too few: raise `ulimit -Hn`");
    Crowd { size, _turn: turn }
}
