//! Ports of this machine: which are free, and who wanted the one that is not.

use crate::Trouble;
use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process,
    sync::atomic::{AtomicU16, Ordering},
};

/// Below the ephemeral range (32768 and up), where the system hands ports to outgoing connections at any moment.
const RANGE: std::ops::Range<u16> = 20_000..32_768;

/// A port that something is about to listen on.
#[derive(Debug, Clone, Copy)]
pub struct PortUse {
    /// Where.
    pub address: SocketAddr,
    /// For whom, in words.
    pub what: &'static str,
    /// The setting that moves it.
    pub setting: &'static str,
}

/// Whether nothing listens there. A listener of the standard library reuses addresses in TIME_WAIT, as the servers do.
fn is_free(address: SocketAddr) -> bool {
    TcpListener::bind(address).is_ok()
}

/// Refuses the first that is taken.
///
/// # Errors
/// [`Trouble::PortInUse`].
pub fn ports_are_free(uses: &[PortUse]) -> Result<(), Trouble> {
    match uses.iter().find(|port| !is_free(port.address)) {
        Some(taken) => {
            Err(Trouble::PortInUse { port: taken.address.port(), what: taken.what, setting: taken.setting })
        }
        None => Ok(()),
    }
}

/// `count` different ports of 127.0.0.1 that are free now. Two calls in one process never give the same port before
/// the range is used up, and two processes start at different places.
///
/// # Errors
/// [`Trouble::NoFreePort`].
pub fn free_ports(count: usize) -> Result<Vec<u16>, Trouble> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let width = RANGE.end - RANGE.start;
    let start = u16::try_from(process::id().wrapping_mul(97) % u32::from(width)).unwrap_or_default();
    let tried = (0..width).map(|_| {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % width;
        RANGE.start + (start + step) % width
    });
    let found: Vec<u16> =
        tried.filter(|port| is_free((Ipv4Addr::LOCALHOST, *port).into())).take(count).collect();
    if found.len() == count { Ok(found) } else { Err(Trouble::NoFreePort) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn free_ports_are_different_and_below_the_ephemeral_range() {
        let ports: Vec<u16> = free_ports(20).unwrap().into_iter().chain(free_ports(20).unwrap()).collect();
        assert_eq!(ports.iter().collect::<HashSet<_>>().len(), 40);
        assert!(ports.iter().all(|port| RANGE.contains(port)));
    }

    #[test]
    fn a_taken_port_is_named_with_its_setting() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = taken.local_addr().unwrap();
        let uses = [PortUse { address, what: "edge", setting: "edge.listen" }];
        let expected = format!(
            "port {} (edge) is in use: stop what listens there, or set edge.listen to another",
            address.port()
        );
        assert_eq!(ports_are_free(&uses).unwrap_err().to_string(), expected);
        drop(taken);
        assert!(ports_are_free(&uses).is_ok());
    }
}
