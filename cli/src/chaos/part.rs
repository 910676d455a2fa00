//! What can be maltreated.

use std::{fmt, path::Path};

/// One part of a running Tracker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub enum Part {
    /// `tracker-edge`.
    Edge,
    /// `tracker-enrich`.
    Enrich,
    /// `tracker-load`.
    Load,
    /// `tracker-payments`.
    Payments,
    /// Apache Kafka.
    Broker,
    /// The database.
    Clickhouse,
}

impl Part {
    /// All of them, in the order of the data.
    pub const ALL: [Self; 6] =
        [Self::Edge, Self::Enrich, Self::Load, Self::Payments, Self::Broker, Self::Clickhouse];
    /// Those that are Tracker's own.
    pub const PROGRAMS: [Self; 4] = [Self::Edge, Self::Enrich, Self::Load, Self::Payments];
    /// Those of which several share the work.
    pub const SHARED: [Self; 3] = [Self::Enrich, Self::Load, Self::Payments];

    /// Its name: in reports, and as a section of the settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Enrich => "enrich",
            Self::Load => "load",
            Self::Payments => "payments",
            Self::Broker => "broker",
            Self::Clickhouse => "clickhouse",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The most memory that a process has held so far, bytes; `None` when it is gone.
pub(super) fn peak_memory(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status")).ok()?;
    peak_in(&status)
}

fn peak_in(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_from_what_the_kernel_says() {
        let status = "Name:\ttracker-load\nVmPeak:\t  999 kB\nVmHWM:\t   2048 kB\nVmRSS:\t 100 kB\n";
        assert_eq!(peak_in(status), Some(2 << 20));
        assert_eq!(peak_in("Name:\tgone\n"), None);
        assert!(peak_memory(std::process::id()).is_some_and(|bytes| bytes > 1 << 20));
    }
}
