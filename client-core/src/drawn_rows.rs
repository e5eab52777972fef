//! Rows that are kept from one drawing to the next.
//!
//! Events are drawn in blocks of consecutive seqs. What a block's rows are depends on its events and on a little of what
//! was drawn before it, so a block of which both are as they were has the rows that it had. Wherever events come or go,
//! only the blocks around that place are drawn again.

use std::collections::BTreeMap;
use std::sync::Arc;

use teahouse_protocol::{Epoch, Seq, UnixMillis};

use crate::model::Me;
use crate::rows::{Drawing, Row, SoFar};
use crate::timeline::Timeline;

/// How many seqs a block has.
const BLOCK_SEQS: u64 = 64;

/// The rows of a timeline. They are kept from one drawing to the next, so that of a long timeline only what has come is
/// drawn; rows that stay are the same ones.
#[derive(Debug, Default)]
pub struct DrawnRows {
    rows: Vec<Arc<Row>>,
    /// By their seqs' multiple of [`BLOCK_SEQS`].
    blocks: BTreeMap<u64, Block>,
    basis: Basis,
    /// How many changes of the timeline's events are drawn.
    changes: u64,
}

/// What all rows depend on, whatever events there are.
#[derive(Debug, PartialEq, Eq, Default)]
struct Basis {
    epoch: Option<Epoch>,
    lives: u64,
    me: Option<Me>,
}

/// Consecutive events, drawn.
#[derive(Debug)]
struct Block {
    /// No event is missing in it, nor between the event before and this one.
    first: Seq,
    events: usize,
    before: SoFar,
    after: SoFar,
    rows: Vec<Arc<Row>>,
}

impl DrawnRows {
    /// The rows of a timeline as it is now. `offset_minutes(at)` is the local offset from UTC at that time, east positive.
    pub fn draw(&mut self, timeline: &Timeline, offset_minutes: impl Fn(UnixMillis) -> i32) -> &[Arc<Row>] {
        let basis = Basis {
            epoch: timeline.position.as_ref().map(|position| position.epoch.clone()),
            lives: timeline.lives(),
            me: timeline.me().cloned(),
        };
        if self.basis != basis {
            self.blocks.clear();
            self.basis = basis;
        }
        match timeline.changed_since(self.changes) {
            Some(changed) => changed.for_each(|seq| {
                self.blocks.remove(&(seq.get() / BLOCK_SEQS));
            }),
            None => self.blocks.clear(),
        }
        self.changes = timeline.changes();
        let mut known = std::mem::take(&mut self.blocks);
        self.rows.clear();
        let mut so_far = SoFar::beginning(timeline.unread_after());
        let events = timeline.events();
        let mut at = 0;
        while let Some(first) = events.get(at) {
            let number = first.seq.get() / BLOCK_SEQS;
            let end = events.partition_point(|event| event.seq.get() / BLOCK_SEQS <= number);
            let last = events[end - 1].seq;
            let whole = timeline.gap_before(at).is_none() && timeline.is_whole(first.seq, last);
            let known = known.remove(&number).filter(|known| {
                whole && known.first == first.seq && known.events <= end - at && known.before == so_far
            });
            let mut block = match known {
                Some(known) => known,
                None => Block {
                    first: first.seq,
                    events: 0,
                    before: so_far.clone(),
                    after: so_far,
                    rows: Vec::new(),
                },
            };
            let mut drawing =
                Drawing { rows: &mut block.rows, offset_minutes: &offset_minutes, so_far: block.after };
            let new = at + block.events..end;
            for (at, event) in new.clone().zip(events.range(new)) {
                if let Some(gap) = timeline.gap_before(at) {
                    drawing.gap(gap);
                }
                drawing.event(event, timeline.me());
            }
            block.after = drawing.so_far;
            block.events = end - at;
            so_far = block.after.clone();
            self.rows.extend_from_slice(&block.rows);
            if whole {
                self.blocks.insert(number, block);
            }
            at = end;
        }
        let mut drawing = Drawing { rows: &mut self.rows, offset_minutes, so_far };
        if let Some(gap) = timeline.gap_at_end() {
            drawing.gap(gap);
        }
        for post in &timeline.pending {
            drawing.pending(post, timeline.me());
        }
        drawing.end_run();
        &self.rows
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use teahouse_protocol::{MemberName, UserId};

    use super::*;
    use crate::outbox::LocalId;
    use crate::timeline::{Loading, TimelineEvent, TimelineKind};

    const SEQS: u64 = 8 * BLOCK_SEQS;

    fn seq(number: u64) -> Seq {
        Seq::new(number).expect("small")
    }

    fn name(number: u64) -> MemberName {
        MemberName::parse(["ana", "bo", "小蛇"][number as usize % 3]).expect("legal")
    }

    fn user(number: u64) -> UserId {
        UserId::of(number as u32 % 3)
    }

    /// Hours pass at some seqs, and now and then the clock is set back.
    fn event(number: u64, kinds: u64) -> TimelineEvent {
        let kind = match (number * kinds + 4) % 11 {
            0 | 1 => TimelineKind::Joined,
            2 => TimelineKind::Left,
            3 => TimelineKind::Unknown,
            _ => {
                TimelineKind::Posted { text: format!("{number} 给 ana"), action: number.is_multiple_of(13) }
            }
        };
        let at = UnixMillis::new(1_795_334_400_000 + number * 60_000 + (number * kinds % 7) * 3_600_000);
        TimelineEvent {
            seq: seq(number),
            at,
            user: user(number / 3),
            by: name(number / 3),
            kind,
            local: None,
        }
    }

    fn with(numbers: impl IntoIterator<Item = u64>) -> Timeline {
        let mut timeline = Timeline::default();
        timeline.me = Some(Me { name: name(0), user: Some(user(0)) });
        numbers.into_iter().for_each(|number| timeline.insert(event(number, 0)));
        timeline
    }

    #[derive(Debug, Clone)]
    enum Step {
        Come(u64, u64),
        Trim(usize, u64),
        Unread(Option<u64>),
        Became(u64),
        Loading(u64),
        Forget,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => (1..SEQS, 1..100u64).prop_map(|(from, count)| Step::Come(from, count)),
            1 => (100..300usize, 1..SEQS).prop_map(|(max, reader)| Step::Trim(max, reader)),
            1 => proptest::option::of(1..SEQS).prop_map(Step::Unread),
            1 => (1..SEQS).prop_map(Step::Became),
            1 => (1..SEQS).prop_map(Step::Loading),
            1 => Just(Step::Forget),
        ]
    }

    proptest! {
        #[test]
        fn rows_that_are_kept_are_those_that_would_be_drawn(
            kinds in 0..8u64,
            steps in proptest::collection::vec(step(), 1..24),
        ) {
            let mut timeline = with([]);
            let mut drawn = DrawnRows::default();
            for step in steps {
                match step {
                    Step::Come(from, count) => {
                        (from..SEQS.min(from + count)).for_each(|number| timeline.insert(event(number, kinds)));
                    }
                    Step::Trim(max, reader) => {
                        timeline.reader = Some(seq(reader));
                        timeline.trim(max);
                    }
                    Step::Unread(after) => timeline.unread_after = after.map(seq),
                    Step::Became(number) => {
                        if let Some(event) = timeline.event_mut(seq(number)) {
                            event.local = Some(LocalId(number));
                        }
                    }
                    Step::Loading(before) => timeline.loading = Some(Loading::Before(seq(before))),
                    Step::Forget => timeline.forget_log(),
                }
                prop_assert_eq!(drawn.draw(&timeline, |_| 480), timeline.rows(|_| 480));
            }
        }
    }

    /// How many rows are others than before, the value not considered.
    fn anew(drawn: &mut DrawnRows, timeline: &Timeline) -> usize {
        let before: BTreeSet<_> = drawn.rows.iter().map(Arc::as_ptr).collect();
        // What was there stays there, so that nothing new comes to lie in its place.
        let _keep = drawn.rows.clone();
        drawn.draw(timeline, |_| 0).iter().filter(|row| !before.contains(&Arc::as_ptr(row))).count()
    }

    #[test]
    fn what_comes_in_front_draws_itself_and_the_block_that_it_touches() {
        let mut timeline = with(1_000..3_000);
        let mut drawn = DrawnRows::default();
        let rows = anew(&mut drawn, &timeline);
        assert!(rows >= 2_000);
        (920..1_000).for_each(|number| timeline.insert(event(number, 0)));
        let block = BLOCK_SEQS as usize;
        let new = anew(&mut drawn, &timeline);
        assert!((80..80 + 2 * block).contains(&new), "{new} rows");
        assert_eq!(anew(&mut drawn, &timeline), 0);
    }

    #[test]
    fn what_comes_into_a_gap_leaves_the_rows_beyond_it() {
        let mut timeline = with((1_000..2_000).chain(3_000..4_000));
        let mut drawn = DrawnRows::default();
        let _ = anew(&mut drawn, &timeline);
        timeline.loading = Some(Loading::Before(seq(3_000)));
        let block = BLOCK_SEQS as usize;
        assert!(anew(&mut drawn, &timeline) <= block, "the gap is loading");
        (2_920..3_000).for_each(|number| timeline.insert(event(number, 0)));
        assert!(anew(&mut drawn, &timeline) < 80 + 2 * block);
    }

    #[test]
    fn one_event_that_changed_draws_its_block() {
        let mut timeline = with(1..10_000);
        let mut drawn = DrawnRows::default();
        let _ = anew(&mut drawn, &timeline);
        timeline.event_mut(seq(5_000)).expect("it is there").local = Some(LocalId(1));
        let block = BLOCK_SEQS as usize;
        let new = anew(&mut drawn, &timeline);
        assert!((1..=block).contains(&new), "{new} rows");
        assert_eq!(anew(&mut drawn, &timeline), 0);
        for number in 1..1_000 {
            timeline.event_mut(seq(number)).expect("it is there").local = None;
        }
        assert!(anew(&mut drawn, &timeline) >= 1_000, "more than is remembered");
    }

    #[test]
    fn what_comes_at_the_end_draws_nothing_else() {
        let mut timeline = with(1..1_000);
        let mut drawn = DrawnRows::default();
        let _ = anew(&mut drawn, &timeline);
        timeline.insert(event(1_000, 0));
        assert_eq!(anew(&mut drawn, &timeline), 1);
    }
}
