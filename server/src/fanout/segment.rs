use std::sync::OnceLock;

use bytes::{BufMut, Bytes, BytesMut};
use teahouse_protocol::{Event, PageEvent, RoomName, Seq, ServerMessage};

use crate::door::DoorKind;
use crate::door::{text, websocket};

/// The events that one commit added to one room, framed for each kind of door that asked.
#[derive(Debug)]
pub struct Segment {
    first: Seq,
    lines: Framed,
    websocket: OnceLock<Framed>,
    text: OnceLock<Framed>,
}

/// Frames one after the other.
#[derive(Debug)]
struct Framed {
    bytes: Bytes,
    /// Where each frame ends in `bytes`.
    ends: Box<[usize]>,
}

impl Framed {
    fn each(frames: impl Iterator<Item = Bytes>) -> Self {
        let mut bytes = BytesMut::new();
        let ends = frames
            .map(|frame| {
                bytes.extend_from_slice(&frame);
                bytes.len()
            })
            .collect();
        Self { bytes: bytes.freeze(), ends }
    }

    fn skip(&self, frames: usize) -> Bytes {
        self.bytes.slice(self.end_of(frames)..)
    }

    /// Of the frames after the first `skip`, `bytes` were written, at least one: how many frames that began, and what
    /// is left of the last of them, in memory of its own.
    fn begun(&self, skip: usize, bytes: usize) -> (usize, Bytes) {
        let written = self.end_of(skip) + bytes;
        let last = self.ends.partition_point(|end| *end < written);
        (last + 1 - skip, Bytes::copy_from_slice(&self.bytes[written..self.ends[last]]))
    }

    fn end_of(&self, frames: usize) -> usize {
        frames.checked_sub(1).map_or(0, |last| self.ends[last])
    }

    fn each_line(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(self.ends.iter()).map(|(start, end)| &self.bytes[start..end - 1])
    }
}

/// A segment ends when its JSON Lines have reached so many bytes.
const SEGMENT_BYTES_MAX: usize = 64 * 1024;

impl Segment {
    /// Encodes one message after the other, of which the first has the seq `first` and each further one the next,
    /// until the segment is large enough. `messages` must not be empty.
    pub fn take(first: Seq, messages: &mut impl Iterator<Item = ServerMessage>) -> Self {
        let mut writer = BytesMut::new().writer();
        let mut ends = Vec::new();
        for message in messages {
            serde_json::to_writer(&mut writer, &message).expect("memory takes any bytes");
            writer.get_mut().put_u8(b'\n');
            ends.push(writer.get_ref().len());
            if writer.get_ref().len() >= SEGMENT_BYTES_MAX {
                break;
            }
        }
        let lines = Framed { bytes: writer.into_inner().freeze(), ends: ends.into() };
        Self { first, lines, websocket: OnceLock::new(), text: OnceLock::new() }
    }

    /// The seq of the first event.
    pub fn first(&self) -> Seq {
        self.first
    }

    /// How many frames there are.
    pub fn len(&self) -> usize {
        self.lines.ends.len()
    }

    /// Whether there are no frames at all.
    pub fn is_empty(&self) -> bool {
        self.lines.ends.is_empty()
    }

    /// What the segment weighs in a tail, in bytes.
    pub fn weight_bytes(&self) -> usize {
        self.lines.bytes.len()
    }

    /// All frames after the first `skip`, for a kind of door.
    pub fn frames(&self, kind: DoorKind, skip: usize) -> Bytes {
        self.framed(kind).skip(skip)
    }

    /// Of all frames after the first `skip`, `bytes` were written, at least one: how many frames that began, and what
    /// is left of the last of them. What is left does not hold on to the segment.
    pub(super) fn begun(&self, kind: DoorKind, skip: usize, bytes: usize) -> (usize, Bytes) {
        self.framed(kind).begun(skip, bytes)
    }

    fn framed(&self, kind: DoorKind) -> &Framed {
        match kind {
            DoorKind::Json => &self.lines,
            DoorKind::WebSocket => {
                self.websocket.get_or_init(|| Framed::each(self.lines.each_line().map(websocket::text_frame)))
            }
            DoorKind::Text => self.text.get_or_init(|| Framed::each(self.lines.each_line().map(text::frame))),
        }
    }
}

/// The pushes that tell of events, which follow each other without gaps.
pub fn encode_segments(room: &RoomName, events: impl IntoIterator<Item = PageEvent>) -> Vec<Segment> {
    let mut events = events.into_iter().peekable();
    let mut segments = Vec::new();
    while let Some(first) = events.peek().map(|event| event.seq) {
        let mut messages = events.by_ref().map(|PageEvent { seq, at, by, kind }| {
            ServerMessage::Event(Event { room: room.clone(), seq, at, by, kind })
        });
        segments.push(Segment::take(first, &mut messages));
    }
    segments
}
