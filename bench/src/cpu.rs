//! What the kernel says that a process has cost. Nothing here is an estimate.

use nix::{time::ClockId, unistd::Pid};
use std::{path::Path, time::Duration};
use tracker_cli::Failure;
use tracker_stream::fault::Fault;

/// CPU time that a process and its threads have used so far, in the kernel included. By its CPU clock, which counts
/// nanoseconds; what stands in `/proc/PID/stat` is the same in steps of 10 ms.
///
/// # Errors
/// A process that is gone.
pub fn used(pid: u32) -> Result<Duration, Failure> {
    let clock = Pid::from_raw(i32::try_from(pid).map_err(|_| unreadable(pid, "clock"))?);
    let time = ClockId::pid_cpu_clock_id(clock).and_then(ClockId::now);
    Ok(time.map_err(|_| unreadable(pid, "clock"))?.into())
}

/// Memory that a process has, bytes.
///
/// # Errors
/// As [`used`].
pub fn resident(pid: u32) -> Result<u64, Failure> {
    let path = Path::new("/proc").join(pid.to_string()).join("status");
    let status = std::fs::read_to_string(&path).map_err(Failure::io(path.display()))?;
    resident_in(&status).ok_or_else(|| unreadable(pid, "status"))
}

/// The same in MiB.
///
/// # Errors
/// As [`used`].
pub fn resident_mib(pid: u32) -> Result<f64, Failure> {
    resident(pid).map(mib)
}

/// Bytes as MiB.
pub fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn unreadable(pid: u32, what: &str) -> Failure {
    Fault::new("process", format!("the {what} of process {pid} cannot be read")).into()
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
    fn memory_is_read_in_bytes() {
        assert_eq!(resident_in("Name:\tx\nVmHWM:\t  9 kB\nVmRSS:\t  2048 kB\n"), Some(2 << 20));
        assert_eq!(resident_in("Name:\tgone\n"), None);
    }

    #[test]
    fn this_process_has_both() {
        let own = std::process::id();
        assert!(resident(own).unwrap() > 1 << 20);
        assert!(used(u32::MAX).is_err());
        let (before, mut sum) = (used(own).unwrap(), 0_u64);
        while used(own).unwrap() == before {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
        }
        assert!(used(own).unwrap() - before < Duration::from_secs(1), "work is counted as it is done");
    }
}
