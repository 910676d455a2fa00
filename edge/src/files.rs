//! How many files the process may have open: each connection is one.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// What is open besides connections: the clients of the broker, the listener, the key file, and room.
const BESIDES: u64 = 200;

/// Lifts the soft limit, which is 1024 on most systems, to the hard one; returns the limit that is in force then.
///
/// # Errors
/// The system's own words.
pub fn raise() -> nix::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    }
    Ok(hard)
}

/// What to change when `limit` files are too few for `connections`.
#[must_use]
pub fn shortage(limit: u64, connections: usize) -> Option<String> {
    let needed = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(BESIDES);
    (limit < needed).then(|| {
        format!(
            "{limit} files may be open, and `edge.connections` = {connections} needs {needed}: raise the hard \
             limit (`ulimit -Hn`, LimitNOFILE= of systemd, --ulimit nofile= of Docker), or lower `edge.connections`"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_of_open_files_is_raised_to_the_hard_one() {
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        setrlimit(Resource::RLIMIT_NOFILE, hard - 1, hard).unwrap();
        assert_eq!(raise(), Ok(hard));
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE), Ok((hard, hard)));
    }

    #[test]
    fn too_few_files_for_the_connections_are_told_with_what_to_change() {
        assert_eq!(shortage(20_200, 20_000), None);
        let told = shortage(20_199, 20_000).unwrap();
        assert!(told.contains("20200") && told.contains("`edge.connections`"), "{told}");
    }
}
