use std::cell::RefCell;
use std::sync::OnceLock;

use bytes::{BufMut, Bytes, BytesMut};
use teahouse_protocol::{PageEvent, RoomName, Seq, ServerMessage};

use super::tails::Held;
use crate::door::Framing;

/// The events that one commit added to one room, framed for each kind of door that asked.
#[derive(Debug)]
pub struct Segment {
    first: Seq,
    lines: Framed,
    derived: [OnceLock<Framed>; Framing::DERIVED],
    held: Held,
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
        Self::new(&bytes, ends)
    }

    /// In memory of its own that is no larger than it must be.
    fn new(bytes: &[u8], ends: Box<[usize]>) -> Self {
        Self { bytes: Bytes::copy_from_slice(bytes), ends }
    }

    fn weight_bytes(&self) -> usize {
        self.bytes.len() + size_of_val(&*self.ends)
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
/// What a segment holds besides its frames, roughly, in bytes.
const SEGMENT_OVERHEAD_BYTES: usize = 256;

thread_local! {
    /// What is encoded lies here until its length is known.
    static ENCODED: RefCell<BytesMut> = RefCell::new(BytesMut::new());
}

impl Segment {
    /// Encodes one message after the other, of which the first has the seq `first` and each further one the next,
    /// until the segment is large enough. `messages` must not be empty. What it holds is counted in `held`.
    pub fn take(first: Seq, messages: &mut impl Iterator<Item = ServerMessage>, held: Held) -> Self {
        let lines = ENCODED.with_borrow_mut(|encoded| {
            encoded.clear();
            let mut ends = Vec::new();
            for message in messages {
                serde_json::to_writer((&mut *encoded).writer(), &message).expect("memory takes any bytes");
                encoded.put_u8(b'\n');
                ends.push(encoded.len());
                if encoded.len() >= SEGMENT_BYTES_MAX {
                    break;
                }
            }
            Framed::new(encoded, ends.into())
        });
        held.add(lines.weight_bytes() + SEGMENT_OVERHEAD_BYTES);
        Self { first, lines, derived: Default::default(), held }
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

    /// What the segment weighs in a tail, in bytes: its JSON Lines and what it needs to be one.
    pub fn weight_bytes(&self) -> usize {
        self.lines.weight_bytes() + SEGMENT_OVERHEAD_BYTES
    }

    /// All frames after the first `skip`, in these frames.
    pub fn frames(&self, framing: Framing, skip: usize) -> Bytes {
        self.framed(framing).skip(skip)
    }

    /// Of all frames after the first `skip`, `bytes` were written, at least one: how many frames that began, and what
    /// is left of the last of them. What is left does not hold on to the segment.
    pub(super) fn begun(&self, framing: Framing, skip: usize, bytes: usize) -> (usize, Bytes) {
        self.framed(framing).begun(skip, bytes)
    }

    fn framed(&self, framing: Framing) -> &Framed {
        match framing.derived() {
            None => &self.lines,
            Some(place) => self.derived[place].get_or_init(|| self.derive(framing)),
        }
    }

    fn derive(&self, framing: Framing) -> Framed {
        let framed = Framed::each(self.lines.each_line().map(|line| framing.frame(line)));
        self.held.add(framed.weight_bytes());
        framed
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        let derived: usize = self.derived.iter().filter_map(OnceLock::get).map(Framed::weight_bytes).sum();
        self.held.subtract(self.weight_bytes() + derived);
    }
}

/// The pushes that tell of events, which follow each other without gaps. What they hold is counted in `held`.
pub fn encode_segments(
    room: &RoomName,
    events: impl IntoIterator<Item = PageEvent>,
    held: &Held,
) -> Vec<Segment> {
    let mut events = events.into_iter().peekable();
    let mut segments = Vec::new();
    while let Some(first) = events.peek().map(|event| event.seq) {
        let mut messages = events.by_ref().map(|event| ServerMessage::Event(event.in_room(room.clone())));
        segments.push(Segment::take(first, &mut messages, held.clone()));
    }
    segments
}
