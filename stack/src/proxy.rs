//! A TCP proxy on 127.0.0.1, to spoil a network with: it delays, stalls, cuts and resets what passes.
//!
//! Changes no byte, drops none of a connection that goes on, and reorders nothing: what a real network can do to TCP and
//! no more. Rejected: a proxy from outside, which would be one more thing to fetch.
//!
//! A Kafka client goes to the address that the broker names, not to the one it was given, so a broker behind a proxy
//! needs a listener of its own that is advertised at the proxy's port: see [`BrokerOptions::behind`](crate::BrokerOptions::behind).

use crate::Trouble;
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::{AbortHandle, JoinSet},
    time::{Instant, sleep_until},
};

/// What becomes of what passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// It passes.
    Open,
    /// It passes so much later, in each direction.
    Slow(Duration),
    /// Nothing passes, and nobody is told: a black hole. What was under way passes when it is opened again.
    Stalled,
    /// Every connection is reset, and so is each new one.
    Cut,
}

/// A proxy. Dropped, it is closed with all its connections.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    state: watch::Sender<State>,
    listening: AbortHandle,
}

/// What every connection watches.
#[derive(Debug, Clone, Copy)]
struct State {
    network: Network,
    /// Connections of an earlier age are reset.
    age: u64,
}

/// Bytes passed at once.
const CHUNK: usize = 64 << 10;
/// Chunks on their way in one direction, at most.
const UNDER_WAY: usize = 64;

impl Proxy {
    /// Listens on `port` of 127.0.0.1 and passes everything on to `target`, which need not be there yet.
    ///
    /// # Errors
    /// A port that cannot be listened on.
    pub async fn start(port: u16, target: SocketAddr) -> Result<Self, Trouble> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let listener = listener.map_err(Trouble::at(|| format!("cannot listen on port {port}")))?;
        let (state, watched) = watch::channel(State { network: Network::Open, age: 0 });
        let listening = tokio::spawn(listen(listener, target, watched)).abort_handle();
        Ok(Self { port, state, listening })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Changes the network, for open connections and new ones.
    pub fn set(&self, network: Network) {
        self.state.send_modify(|state| {
            state.network = network;
            if network == Network::Cut {
                state.age += 1;
            }
        });
    }

    /// Resets every open connection; new ones are taken.
    pub fn reset(&self) {
        self.state.send_modify(|state| state.age += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort(); // its connections end with it
    }
}

async fn listen(listener: TcpListener, target: SocketAddr, state: watch::Receiver<State>) {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((client, _)) = accepted {
                open.spawn(carry(client, target, state.clone()));
            },
            Some(_ended) = open.join_next() => {}
        }
    }
}

/// One connection, from its first byte to its last.
async fn carry(mut client: TcpStream, target: SocketAddr, mut state: watch::Receiver<State>) {
    let State { network, age } = *state.borrow_and_update();
    if network == Network::Cut {
        reset(&client);
        return;
    }
    let Ok(mut server) = TcpStream::connect(target).await else {
        reset(&client); // as if nobody listened here either
        return;
    };
    let _slower = (client.set_nodelay(true), server.set_nodelay(true));
    let torn = {
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        let both = async {
            tokio::try_join!(
                pass(from_client, to_server, state.clone()),
                pass(from_server, to_client, state.clone())
            )
        };
        let mut watched = state.clone();
        tokio::select! {
            ended = both => ended.is_err(),
            _changed = watched.wait_for(|state| state.age != age) => true,
        }
    };
    if torn {
        reset(&client);
        reset(&server);
    }
}

/// Makes the coming end of a connection an abrupt one: RST instead of FIN.
fn reset(stream: &TcpStream) {
    let _gone = stream.set_zero_linger();
}

/// One direction of a connection, until its end.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<State>,
) -> io::Result<()> {
    let (under_way, mut arriving) = mpsc::channel::<(Instant, Vec<u8>)>(UNDER_WAY);
    let read = async move {
        let mut buffer = vec![0; CHUNK];
        loop {
            let length = from.read(&mut buffer).await?;
            let open = state.wait_for(|state| state.network != Network::Stalled).await;
            let delay = match open.map(|state| state.network) {
                Ok(Network::Slow(delay)) => delay,
                _ => Duration::ZERO,
            };
            let bytes = buffer.get(..length).unwrap_or_default().to_vec();
            if length == 0 || under_way.send((Instant::now() + delay, bytes)).await.is_err() {
                return Ok(());
            }
        }
    };
    let write = async move {
        while let Some((due, bytes)) = arriving.recv().await {
            sleep_until(due).await;
            to.write_all(&bytes).await?;
        }
        to.shutdown().await
    };
    tokio::try_join!(read, write).map(drop)
}

#[cfg(test)]
mod tests;
