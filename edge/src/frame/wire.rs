//! RFC 6455 as a server hears it: messages out of bytes, however those come in pieces.
//!
//! What it holds is what has come, never what was announced: the bytes of one unfinished message, up to the limit and
//! within the budget. A message that has no room is passed over to its end, so that the next one is understood.

use super::Closing;
use crate::{
    answer::Denied,
    budget::{Budget, Held, Share},
    reason,
};
use std::io::Cursor;
use tokio_tungstenite::tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Control, Data, OpCode},
};

/// What a message is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// JSON.
    Text,
    /// A length and a block.
    Binary,
}

/// A message as it came.
#[derive(Debug)]
pub struct Message {
    /// What it is written in.
    pub kind: Kind,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Its share of the memory for bodies.
    pub held: Held,
}

/// What a client said.
#[derive(Debug)]
pub enum Heard {
    /// A whole message, or why it was passed over.
    Message(Result<Message, Denied>),
    /// It asks whether we are there.
    Ping(Vec<u8>),
    /// It is there.
    Pong,
    /// It ends, with this code.
    Close(Option<u16>),
}

/// What came is no frame of a client: where the next one begins cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

/// The longest header.
const HEAD: usize = 14;
/// The longest payload of a control frame.
const CONTROL: u64 = 125;

/// What was heard of messages that are not whole.
#[derive(Debug)]
pub struct Wire {
    most: usize,
    budget: Budget,
    /// The beginning of a header.
    pub(super) head: Vec<u8>,
    frame: Option<Frame>,
    message: Option<Gathered>,
    pub(super) control: Vec<u8>,
}

/// A frame of which not all has come.
#[derive(Debug)]
struct Frame {
    code: OpCode,
    is_final: bool,
    /// Turned so that its first byte is that of the next one to come.
    mask: [u8; 4],
    left: u64,
}

/// The frames of a message so far.
#[derive(Debug)]
struct Gathered {
    kind: Kind,
    so_far: Result<(Vec<u8>, Held), Denied>,
}

impl Wire {
    /// Nothing was heard yet. A message may have `most` bytes.
    #[must_use]
    pub const fn new(most: usize, budget: Budget) -> Self {
        Self { most, budget, head: Vec::new(), frame: None, message: None, control: Vec::new() }
    }

    /// Whether something has begun and is not whole.
    #[must_use]
    pub const fn is_amid(&self) -> bool {
        self.frame.is_some() || self.message.is_some() || !self.head.is_empty()
    }

    /// Reads on, up to the end of the next thing that is whole; takes what it has read off `bytes`.
    ///
    /// # Errors
    /// When these are no frames.
    pub fn hear(&mut self, bytes: &mut &[u8]) -> Result<Option<Heard>, Broken> {
        loop {
            if self.frame.is_none() {
                let Some(frame) = self.header(bytes)? else { return Ok(None) };
                self.begin(&frame)?;
                self.frame = Some(frame);
            }
            if !self.payload(bytes) {
                return Ok(None);
            }
            if let Some(frame) = self.frame.take()
                && let Some(heard) = self.end(&frame)
            {
                return Ok(Some(heard));
            }
        }
    }

    fn header(&mut self, bytes: &mut &[u8]) -> Result<Option<Frame>, Broken> {
        let known = self.head.len();
        let (more, _) = bytes.split_at_checked(HEAD.saturating_sub(known)).unwrap_or((bytes, &[]));
        self.head.extend_from_slice(more);
        let mut cursor = Cursor::new(&self.head);
        let parsed = FrameHeader::parse(&mut cursor).map_err(|_| Broken)?;
        let Some((header, left)) = parsed else {
            *bytes = bytes.get(more.len()..).unwrap_or_default();
            return Ok(None);
        };
        let read = usize::try_from(cursor.position()).unwrap_or(HEAD).saturating_sub(known);
        *bytes = bytes.get(read..).unwrap_or_default();
        self.head = Vec::new();
        let FrameHeader { is_final, rsv1, rsv2, rsv3, opcode: code, mask } = header;
        match mask {
            Some(mask) if !(rsv1 || rsv2 || rsv3) => Ok(Some(Frame { code, is_final, mask, left })),
            _ => Err(Broken), // a client masks all, and no extension was agreed upon
        }
    }

    fn begin(&mut self, frame: &Frame) -> Result<(), Broken> {
        let kind = match (frame.code, &self.message) {
            (OpCode::Control(_), _) => {
                let is_right = frame.is_final && frame.left <= CONTROL;
                return if is_right { Ok(()) } else { Err(Broken) };
            }
            (OpCode::Data(Data::Continue), Some(gathered)) => gathered.kind,
            (OpCode::Data(Data::Text), None) => Kind::Text,
            (OpCode::Data(Data::Binary), None) => Kind::Binary,
            _ => return Err(Broken),
        };
        let empty = || Gathered { kind, so_far: Ok((Vec::new(), self.budget.hold(Share::Client))) };
        let gathered = self.message.get_or_insert_with(empty);
        let length = gathered.so_far.as_ref().map_or(0, |(bytes, _)| bytes.len() as u64);
        if length.saturating_add(frame.left) > self.most as u64 {
            let detail = format!("a message has at most {} bytes", self.most);
            gathered.so_far = Err(reason::BODY_TOO_LARGE.refuse(detail).into());
        }
        Ok(())
    }

    /// Takes in what there is of the frame's payload; says whether that is all of it.
    fn payload(&mut self, bytes: &mut &[u8]) -> bool {
        let Some(frame) = &mut self.frame else { return false };
        let left = usize::try_from(frame.left).unwrap_or(usize::MAX);
        let (masked, rest) = bytes.split_at_checked(left).unwrap_or((bytes, &[]));
        *bytes = rest;
        match (frame.code, &mut self.message) {
            (OpCode::Control(_), _) => append(&mut self.control, masked, frame.mask),
            (_, Some(Gathered { so_far, .. })) => {
                if let Ok((plain, held)) = so_far {
                    match held.grow(masked.len()) {
                        Ok(()) => append(plain, masked, frame.mask),
                        Err(fault) => *so_far = Err(fault.into()),
                    }
                }
            }
            (_, None) => {}
        }
        frame.left -= masked.len() as u64;
        frame.mask.rotate_left(masked.len() % 4);
        frame.left == 0
    }

    fn end(&mut self, frame: &Frame) -> Option<Heard> {
        match frame.code {
            OpCode::Control(control) => {
                let payload = std::mem::take(&mut self.control);
                Some(match control {
                    Control::Ping => Heard::Ping(payload),
                    Control::Close => {
                        Heard::Close(payload.first_chunk().map(|code| u16::from_be_bytes(*code)))
                    }
                    Control::Pong | Control::Reserved(_) => Heard::Pong,
                })
            }
            OpCode::Data(_) if frame.is_final => {
                let Gathered { kind, so_far } = self.message.take()?;
                Some(Heard::Message(so_far.map(|(bytes, held)| Message { kind, bytes, held })))
            }
            OpCode::Data(_) => None,
        }
    }
}

fn append(plain: &mut Vec<u8>, masked: &[u8], mask: [u8; 4]) {
    let before = plain.len();
    plain.extend_from_slice(masked);
    for word in plain.get_mut(before..).unwrap_or_default().chunks_mut(4) {
        word.iter_mut().zip(mask).for_each(|(byte, key)| *byte ^= key);
    }
}

/// What is said to a client, each as one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Out {
    /// A line of JSON.
    Text(String),
    /// Are you there?
    Ping,
    /// We are, with the same payload.
    Pong(Vec<u8>),
    /// The end, and why.
    Close(Closing),
    /// The end, as the client wished.
    Closed(Option<u16>),
}

impl Out {
    /// The bytes of its frame.
    #[must_use]
    pub fn bytes(self) -> Vec<u8> {
        let (opcode, payload) = match self {
            Self::Text(text) => (OpCode::Data(Data::Text), text.into_bytes()),
            Self::Ping => (OpCode::Control(Control::Ping), Vec::new()),
            Self::Pong(payload) => (OpCode::Control(Control::Pong), payload),
            Self::Close(Closing { code, reason }) => {
                (OpCode::Control(Control::Close), [&code.to_be_bytes(), reason.as_bytes()].concat())
            }
            Self::Closed(code) => {
                let code = code.map(u16::to_be_bytes);
                (OpCode::Control(Control::Close), code.as_slice().concat())
            }
        };
        let header = FrameHeader { opcode, ..FrameHeader::default() };
        let mut bytes = Vec::with_capacity(HEAD + payload.len());
        let written = header.format(payload.len() as u64, &mut bytes);
        debug_assert!(written.is_ok(), "a vector takes all");
        bytes.extend(payload);
        bytes
    }
}
