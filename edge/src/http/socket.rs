//! A connection that has become a WebSocket: reads, writes, waits. What is said and when it ends, [`frame`] decides;
//! what becomes of a message, [`Collector`](crate::collect::Collector) does, as of any request.
//!
//! Its client is held back by not being read: of one connection so many messages are in hand at once as
//! `edge.ws.in_flight` says, and while they are not safe the next one waits where the client's own buffer is. A connection
//! on which nothing is under way has no buffer at all.

mod handshake;
#[cfg(test)]
mod tests;

use super::{
    connection::{LINGER, UNREAD, linger},
    reply,
    routes::Edge,
};
use crate::{
    answer::Denied,
    collect::Route,
    frame::{self, Closing, Conduct, Due, Heard, Next, Out, Patience, Wire},
    keep::Keep,
    metrics,
    request::Request,
};
use bytes::{Buf, Bytes};
use futures::{StreamExt, stream::FuturesOrdered};
use handshake::{Handshake, handshake};
use http::{HeaderValue, StatusCode, header};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::{
    future::poll_fn,
    io::{self, ErrorKind},
    mem::MaybeUninit,
    pin::Pin,
    sync::Arc,
    task::ready,
    time::Instant,
};
use tokio::{
    io::{AsyncRead, AsyncWriteExt, ReadBuf},
    time::{sleep_until, timeout},
};
use tracker_stream::fault::Fault;
use warp::reply::{Reply, Response};

/// Bytes read at a time.
const STEP: usize = 16 << 10;

/// Lets a request become a WebSocket, or says why not.
pub(super) fn open<K: Keep>(edge: &Arc<Edge<K>>, request: &Request, upgrade: Option<OnUpgrade>) -> Response {
    let collector = &edge.collector;
    let asked = handshake(request, &collector.config.origins);
    let asked = asked.and_then(|asked| collector.welcome(&asked.request, Route::Socket).map(|()| asked));
    let (Handshake { accept, answers, request }, upgrade) = match (asked, upgrade) {
        (Ok(asked), Some(upgrade)) => (asked, upgrade),
        (Err(refusal), _) => return reply::refused(&refusal),
        (Ok(_), None) => return reply::refused(&handshake::none()),
    };
    let Some(permit) = edge.sockets.take() else {
        metrics::connection_refused();
        let detail = "all WebSockets are in use; try again, or POST to /tr/v1/tr/";
        return reply::unavailable(&Fault::new("too_many_sockets", detail));
    };
    let limits = collector.config.socket;
    let (whole, now) = (collector.config.body.timeout, Instant::now());
    let socket = Socket {
        edge: Arc::clone(edge),
        request: Arc::new(request),
        wire: Wire::new(limits.frame, collector.budget.clone()),
        ahead: Bytes::new(),
        conduct: Conduct::new(answers, limits.bad_frames),
        patience: Patience::new(limits.ping, limits.idle, whole, now),
    };
    // The connection holds its place as long as the task has it: the end of the process waits for that.
    tokio::spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            socket.live(TokioIo::new(upgraded)).await;
        }
        drop(permit);
    });
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    response
}

struct Socket<K> {
    edge: Arc<Edge<K>>,
    request: Arc<Request>,
    wire: Wire,
    /// What was read and not yet heard.
    ahead: Bytes,
    conduct: Conduct,
    patience: Patience,
}

/// How a conversation ends.
enum End {
    /// We end it.
    Ours(Closing),
    /// The client has.
    Theirs(Option<u16>),
    /// There is nobody any more.
    Gone,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

type Line = TokioIo<Upgraded>;

impl<K: Keep> Socket<K> {
    /// Talks until one of the two ends it; then waits for what is in hand. A client that goes away ends its connection, not
    /// what it began.
    async fn live(mut self, mut line: Line) {
        let edge = Arc::clone(&self.edge);
        let collector = &edge.collector;
        let mut in_hand = FuturesOrdered::new();
        let most = collector.config.socket.in_flight;
        let ending = edge.connections.ending().clone();
        let end = loop {
            let listens = in_hand.len() < most;
            let due_at = self.patience.due_at().into();
            let step = tokio::select! {
                Some(taken) = in_hand.next() => self.settled(&mut line, taken, listens).await,
                heard = self.hear(&mut line), if listens => match heard {
                    Ok(Some(Heard::Message(message))) => {
                        let request = Arc::clone(&self.request);
                        in_hand.push_back(async move { collector.message(&request, message).await });
                        Ok(())
                    }
                    Ok(Some(Heard::Ping(payload))) => say(&mut line, Out::Pong(payload)).await,
                    Ok(Some(Heard::Close(code))) => Err(End::Theirs(code)),
                    Ok(Some(Heard::Pong) | None) => Ok(()),
                    Err(end) => Err(end),
                },
                () = sleep_until(due_at), if listens => match self.patience.due(Instant::now()) {
                    Some(Due::Ping) => say(&mut line, Out::Ping).await,
                    Some(Due::Close(closing)) => Err(End::Ours(closing)),
                    None => Ok(()),
                },
                () = ending.cancelled() => Err(End::Ours(Closing::AWAY)),
            };
            if let Err(end) = step {
                break end;
            }
        };
        while let Some(taken) = in_hand.next().await {
            let _gone = self.settled(&mut line, taken, true).await;
        }
        self.leave(line, end).await;
    }

    /// Hears on. Nothing waits here with bytes in its hands: they are read into the stack, and kept only if there is more
    /// than was asked for.
    async fn hear(&mut self, line: &mut Line) -> Result<Option<Heard>, End> {
        if self.ahead.is_empty() {
            self.ahead = read(line).await?;
        }
        let mut left: &[u8] = &self.ahead;
        let heard = self.wire.hear(&mut left).map_err(|frame::Broken| End::Ours(Closing::BROKEN))?;
        match left.len() {
            0 => self.ahead = Bytes::new(),
            left => self.ahead.advance(self.ahead.len() - left),
        }
        self.patience.heard(self.wire.is_amid(), Instant::now());
        Ok(heard)
    }

    /// Says what became of a message.
    async fn settled(
        &mut self,
        line: &mut Line,
        taken: Result<crate::answer::Taken, Denied>,
        listened: bool,
    ) -> Result<(), End> {
        if !listened {
            self.patience.renew(Instant::now());
        }
        let Next { line: said, close } = self.conduct.after(taken);
        if let Some(said) = said {
            say(line, Out::Text(said)).await?;
        }
        close.map_or(Ok(()), |closing| Err(End::Ours(closing)))
    }

    async fn leave(&self, mut line: Line, end: End) {
        let (reason, out) = match end {
            End::Ours(closing) => (closing.reason, Some(Out::Close(closing))),
            End::Theirs(code) => ("client", Some(Out::Closed(code))),
            End::Gone => ("gone", None),
        };
        metrics::socket_closed(reason);
        if let Some(out) = out
            && say(&mut line, out).await.is_ok()
        {
            // As with requests: what is still coming is thrown away, so that the client comes to read why.
            let _closed = timeout(LINGER, linger(&mut line)).await;
        }
    }
}

async fn say(line: &mut Line, out: Out) -> Result<(), End> {
    let bytes = out.bytes();
    let said = async {
        line.write_all(&bytes).await?;
        line.flush().await
    };
    match timeout(UNREAD, said).await {
        Ok(said) => Ok(said?),
        Err(_) => Err(End::Gone),
    }
}

async fn read(line: &mut Line) -> io::Result<Bytes> {
    let read = poll_fn(|context| {
        let mut stack = [MaybeUninit::uninit(); STEP];
        let mut buffer = ReadBuf::uninit(&mut stack);
        ready!(Pin::new(&mut *line).poll_read(context, &mut buffer))?;
        std::task::Poll::Ready(io::Result::Ok(Bytes::copy_from_slice(buffer.filled())))
    })
    .await?;
    if read.is_empty() { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(read) }
}
