use std::sync::Arc;

use teahouse_protocol::{Event, Seq, UnixMillis};

use crate::rows::{Drawing, Row, SoFar};
use crate::timeline::{Timeline, TimelineEvent};

/// Rows for whoever prints them and cannot change what is printed: one part of a timeline after the other, without the
/// unread line and without what is pending.
#[derive(Debug, Default)]
pub struct PrintedRows {
    /// The latest day that has a divider.
    day: Option<i64>,
}

impl PrintedRows {
    /// The rows of the events after one seq and up to another. `offset_minutes(at)` is the local offset from UTC at that
    /// time, east positive.
    pub fn draw(
        &mut self,
        timeline: &Timeline,
        after: Seq,
        through: Seq,
        offset_minutes: impl Fn(UnixMillis) -> i32,
    ) -> Vec<Arc<Row>> {
        let events = timeline.events();
        let from = events.partition_point(|event| event.seq <= after);
        let to = events.partition_point(|event| event.seq <= through);
        let mut rows = Vec::new();
        let mut drawing = Drawing { rows: &mut rows, offset_minutes, so_far: SoFar::on_day(self.day) };
        for (at, event) in (from..to).zip(events.range(from..to)) {
            if let Some(gap) = timeline.gap_before(at) {
                drawing.gap(gap);
            }
            drawing.event(event, timeline.me());
        }
        drawing.end_run();
        self.day = drawing.so_far.day();
        rows
    }
}

impl Row {
    /// An event by itself, for scripts. `None`: there is nothing to show.
    pub fn of(event: Event) -> Option<Arc<Self>> {
        let Event { seq, at, user, by, kind, .. } = event;
        let event = TimelineEvent { seq, at, user, by, kind: kind.into(), local: None };
        let mut rows = Vec::new();
        let mut drawing = Drawing { rows: &mut rows, offset_minutes: |_| 0, so_far: SoFar::default() };
        drawing.event(&event, None);
        drawing.end_run();
        rows.into_iter().find(|row| !matches!(**row, Self::Day { .. }))
    }
}
