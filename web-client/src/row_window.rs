//! Which rows of a long timeline stand in the page.
//!
//! Rows differ in height, so nothing is estimated: a run of at most [`ROWS_MAX`] consecutive rows is in the page, and it
//! moves when the reader comes near one of its ends. The row that the reader looks at is in the run before and after,
//! so the view can keep it where it is.

/// The most rows in the page. The lowest row is some 24 px high, so that this is several screens.
pub(crate) const ROWS_MAX: usize = 240;
/// By how many rows the run moves. Drawing them, or taking them away, has to fit into a frame.
pub(crate) const STEP: usize = 14;
/// So few rows beyond an end are taken along.
const REST: usize = 8;
/// How many rows stand there at first, and after trimming at the bottom.
pub(crate) const ROWS_FIRST: usize = 120;

/// A run of rows: `start..end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RowWindow {
    /// The first row.
    pub(crate) start: usize,
    /// One past the last row.
    pub(crate) end: usize,
}

impl RowWindow {
    /// The last rows of `rows`.
    pub(crate) fn tail(rows: usize) -> Self {
        Self { start: rows.saturating_sub(ROWS_FIRST), end: rows }
    }

    /// Rows around `row`.
    pub(crate) fn around(row: usize, rows: usize) -> Self {
        let end = (row + ROWS_FIRST / 2).min(rows);
        Self { start: end.saturating_sub(ROWS_FIRST).min(row), end }
    }

    /// The same rows after the list has changed, found again by the places that its first and last row have now (`None`:
    /// gone) and by the place of the row the reader looks at. With `follow` the run goes on to the end of the list.
    pub(crate) fn relocate(
        self,
        first: Option<usize>,
        last: Option<usize>,
        anchor: Option<usize>,
        rows: usize,
        follow: bool,
    ) -> Self {
        if follow {
            let Self { start: last, .. } = Self::tail(rows);
            let start = first.unwrap_or(last);
            // What is above a follower goes a few rows at a time, since taking many away costs a frame too.
            let start =
                if last >= start + STEP { (start + STEP).max(rows.saturating_sub(ROWS_MAX)) } else { start };
            return Self { start, end: rows };
        }
        match (first, last, anchor) {
            // Rows that came in between make the run longer than it may be: keep what is around the reader.
            (Some(start), Some(last), anchor) if last >= start => {
                let run = Self { start, end: (last + 1).min(rows) };
                if run.len() <= ROWS_MAX { run } else { Self::around(anchor.unwrap_or(last), rows) }
            }
            (_, _, Some(anchor)) => Self::around(anchor, rows),
            _ => Self::tail(rows),
        }
    }

    /// One step towards the older rows; what is too much goes at the bottom.
    pub(crate) fn up(self) -> Self {
        let start = self.start.saturating_sub(STEP);
        let start = if start < REST { 0 } else { start };
        Self { start, end: self.end.min(start + ROWS_MAX) }
    }

    /// One step towards the newer rows; what is too much goes at the top.
    pub(crate) fn down(self, rows: usize) -> Self {
        let end = self.end + STEP;
        let end = if end + REST > rows { rows } else { end };
        Self { start: self.start.max(end.saturating_sub(ROWS_MAX)), end }
    }

    /// How many rows it has.
    pub(crate) fn len(self) -> usize {
        self.end - self.start
    }
}

/// By how much the view has to scroll, so that the row that stood `before` pixels below its upper edge stands there again
/// although it is at `after` now. Less than half a pixel is not worth it.
pub(crate) fn correction(before: f64, after: f64) -> Option<f64> {
    let delta = after - before;
    (delta.abs() >= 0.5).then_some(delta)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_through_a_long_list_stays_bounded_and_reaches_both_ends() {
        let rows = 5_000;
        let mut run = RowWindow::tail(rows);
        for _ in 0..rows {
            let next = run.up();
            assert!(next.len() <= ROWS_MAX && next.start <= run.start && next.end > run.start);
            run = next;
        }
        assert_eq!(run.start, 0);
        for _ in 0..rows {
            let next = run.down(rows);
            assert!(next.len() <= ROWS_MAX && next.end >= run.end && next.start < run.end);
            run = next;
        }
        assert_eq!(run.end, rows);
    }

    #[test]
    fn no_handful_is_left_over_at_an_end() {
        let (near, far) = (STEP + REST - 1, STEP + REST);
        assert_eq!(RowWindow { start: near, end: 200 }.up(), RowWindow { start: 0, end: 200 });
        assert_eq!(RowWindow { start: 0, end: 200 - near }.down(200), RowWindow { start: 0, end: 200 });
        assert_eq!(RowWindow { start: far, end: 300 }.up(), RowWindow { start: REST, end: REST + ROWS_MAX });
    }

    #[test]
    fn older_rows_above_move_the_run_along() {
        let run = RowWindow { start: 0, end: 60 };
        let moved = run.relocate(Some(50), Some(109), Some(55), 110, false);
        assert_eq!(moved, RowWindow { start: 50, end: 110 });
        assert_eq!(moved.up().start, 50 - STEP);
    }

    #[test]
    fn new_rows_below_do_not_move_a_reader_who_has_scrolled_up() {
        let run = RowWindow { start: 10, end: 130 };
        assert_eq!(run.relocate(Some(10), Some(129), Some(20), 131, false), run);
    }

    #[test]
    fn a_follower_sees_the_end_and_the_run_is_trimmed_a_step_at_a_time() {
        let mut run = RowWindow::tail(0);
        for rows in 1..2_000 {
            let first = (run.start < rows).then_some(run.start);
            let before = run;
            run = run.relocate(first, first, None, rows, true);
            assert_eq!(run.end, rows);
            assert!(run.len() <= ROWS_FIRST + STEP);
            assert!(run.start - before.start <= STEP);
        }
        // Whoever comes back to the end with many rows above loses them one step after the other.
        run = RowWindow { start: 1_000, end: 1_200 };
        for rows in [1_240, 1_241, 1_242] {
            let before = run;
            run = run.relocate(Some(run.start), None, None, rows, true);
            assert_eq!(run, RowWindow { start: before.start + STEP, end: rows });
        }
        run = run.relocate(Some(run.start), None, None, 1_900, true);
        assert_eq!(run, RowWindow { start: 1_900 - ROWS_MAX, end: 1_900 });
    }

    #[test]
    fn a_reader_keeps_the_anchor_when_the_ends_are_gone() {
        let run = RowWindow { start: 100, end: 300 };
        let moved = run.relocate(None, Some(900), Some(500), 1_000, false);
        assert!(moved.start <= 500 && 500 < moved.end && moved.len() <= ROWS_MAX);
        assert_eq!(run.relocate(None, None, None, 50, false), RowWindow::tail(50));
        let grown = run.relocate(Some(100), Some(900), Some(890), 1_000, false);
        assert!(grown.start <= 890 && 890 < grown.end && grown.len() <= ROWS_MAX);
    }

    #[test]
    fn short_lists() {
        assert_eq!(RowWindow::tail(0), RowWindow { start: 0, end: 0 });
        assert_eq!(RowWindow::around(0, 1), RowWindow { start: 0, end: 1 });
        assert_eq!(RowWindow { start: 0, end: 1 }.up(), RowWindow { start: 0, end: 1 });
        assert_eq!(RowWindow { start: 0, end: 1 }.down(1), RowWindow { start: 0, end: 1 });
    }

    #[test]
    fn corrections_ignore_rounding() {
        assert_eq!(correction(10.0, 10.4), None);
        assert_eq!(correction(10.0, 210.0), Some(200.0));
        assert_eq!(correction(-4.0, -104.0), Some(-100.0));
    }
}
