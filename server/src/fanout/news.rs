use std::io::IoSlice;
use std::sync::Arc;

use bytes::Bytes;
use teahouse_protocol::Seq;

use super::segment::Segment;
use crate::door::Framing;

/// What lies after a cursor in a room's tail, framed and ready for one write. All cursors at the same place in the same
/// room, through the same kind of door, share it.
#[derive(Debug)]
pub struct News {
    framing: Framing,
    after: Seq,
    last: Seq,
    pieces: Vec<Piece>,
    bytes: usize,
}

#[derive(Debug)]
struct Piece {
    segment: Arc<Segment>,
    skip: usize,
    frames: Bytes,
}

impl News {
    /// The most pieces, and so the most slices of one write.
    pub const PIECES_MAX: usize = 64;

    /// Nothing at all.
    pub(super) fn none(framing: Framing, after: Seq) -> Self {
        Self { framing, after, last: after, pieces: Vec::new(), bytes: 0 }
    }

    /// What lies after `after` in segments that follow each other; `None` when the first begins later than that.
    pub(super) fn gather<'a, S>(segments: S, framing: Framing, after: Seq) -> Option<Self>
    where
        S: IntoIterator<Item = &'a Arc<Segment>>,
    {
        let mut news = Self::none(framing, after);
        for segment in segments {
            if segment.first() > news.last.next() {
                return None;
            }
            if segment.first().plus(segment.len()) > news.last.next() {
                news.push(segment);
                if news.pieces.len() >= Self::PIECES_MAX {
                    break;
                }
            }
        }
        Some(news)
    }

    /// Adds what a segment holds after the last event here.
    fn push(&mut self, segment: &Arc<Segment>) {
        let skip = usize::try_from(self.last.next().get() - segment.first().get()).expect("within a segment");
        let frames = segment.frames(self.framing, skip);
        self.bytes += frames.len();
        self.last = self.last.plus(segment.len() - skip);
        self.pieces.push(Piece { segment: Arc::clone(segment), skip, frames });
    }

    /// Whether a cursor at `seen` behind such a door wants exactly this.
    pub fn is_for(&self, framing: Framing, seen: Seq) -> bool {
        self.framing == framing && self.after == seen
    }

    /// The last event in here.
    pub fn last(&self) -> Seq {
        self.last
    }

    /// How many bytes there are to write. A door without words for an event makes none of it.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Puts all bytes into the slices of one write, [`Self::PIECES_MAX`] at most. Answers how many slices there are.
    pub fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
            *slice = IoSlice::new(&piece.frames);
        }
        self.pieces.len()
    }

    /// When only the first `written` bytes were written: the last event that was begun, and what is left of it.
    pub fn begun(&self, mut written: usize) -> (Seq, Bytes) {
        let mut seen = self.after;
        for Piece { segment, skip, frames } in &self.pieces {
            if written == 0 {
                break;
            }
            if written <= frames.len() {
                let (begun, rest) = segment.begun(self.framing, *skip, written);
                return (seen.plus(begun), rest);
            }
            written -= frames.len();
            seen = seen.plus(segment.len() - skip);
        }
        (seen, Bytes::new())
    }
}
