//! What the kernel says that a process has cost. Nothing here is an estimate.

use std::{path::Path, time::Duration};
use tracker_cli::Failure;
use tracker_stream::fault::Fault;

/// A tick of the counters in `/proc`: 10 ms on every Linux, whatever the kernel's own clock.
const TICK: Duration = Duration::from_millis(10);

/// CPU time that a process and its threads have used so far, in the kernel included.
///
/// # Errors
/// A process that is gone.
pub fn used(pid: u32) -> Result<Duration, Failure> {
    let stat = read(pid, "stat")?;
    ticks(&stat).map(|ticks| TICK * ticks).ok_or_else(|| unreadable(pid, "stat"))
}

/// Memory that a process has, bytes.
///
/// # Errors
/// As [`used`].
pub fn resident(pid: u32) -> Result<u64, Failure> {
    let status = read(pid, "status")?;
    resident_in(&status).ok_or_else(|| unreadable(pid, "status"))
}

fn read(pid: u32, what: &str) -> Result<String, Failure> {
    let path = Path::new("/proc").join(pid.to_string()).join(what);
    std::fs::read_to_string(&path).map_err(Failure::io(path.display()))
}

fn unreadable(pid: u32, what: &str) -> Failure {
    Fault::new("proc", format!("/proc/{pid}/{what} is not as it should be")).into()
}

/// User and system time: the 14th and 15th field. The second is a name, and may hold anything.
fn ticks(stat: &str) -> Option<u32> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_ascii_whitespace().skip(11).map(str::parse::<u32>);
    Some(times.next()?.ok()? + times.next()?.ok()?)
}

fn resident_in(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_are_found_behind_a_name_that_looks_like_fields() {
        let stat = "42 (a) b 1 2) S 1 1 1 0 -1 4194304 10 0 0 0 150 50 7 7 20 0 4 0 100 1 1";
        assert_eq!(ticks(stat), Some(200));
        assert_eq!(ticks("42 (cut) S 1"), None);
    }

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(resident_in("Name:\tx\nVmHWM:\t  9 kB\nVmRSS:\t  2048 kB\n"), Some(2 << 20));
        assert_eq!(resident_in("Name:\tgone\n"), None);
    }

    #[test]
    fn this_process_has_both() {
        let own = std::process::id();
        assert!(used(own).is_ok() && resident(own).unwrap() > 1 << 20);
        assert!(used(u32::MAX).is_err());
    }
}
