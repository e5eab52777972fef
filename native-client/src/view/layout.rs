use teahouse_client_core::display_name;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Narrower terminals are treated as if they had this many columns: a wide character and the prompt fit.
const COLUMNS_MIN: usize = 4;

/// A text broken into the rows of a terminal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Never empty.
    rows: Vec<Row>,
    /// Where the caret stands: its row and its column.
    caret: (usize, usize),
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Row {
    text: String,
    width: usize,
}

impl Layout {
    /// Breaks by columns and at line feeds, never inside a grapheme. The caret is a byte position in `text`.
    pub(crate) fn new(prompt: &str, text: &str, caret: usize, columns: usize) -> Self {
        let columns = columns.max(COLUMNS_MIN);
        let mut rows = vec![Row { text: prompt.to_owned(), width: UnicodeWidthStr::width(prompt) }];
        let mut caret_at = None;
        for (at, grapheme) in text.grapheme_indices(true) {
            let newline = grapheme == "\n";
            let shown = display_name(grapheme);
            let width = UnicodeWidthStr::width(shown.as_str());
            if !newline && last(&mut rows).width + width > columns {
                rows.push(Row::default());
            }
            if at >= caret && caret_at.is_none() {
                caret_at = Some((rows.len() - 1, last(&mut rows).width.min(columns - 1)));
            }
            if newline {
                rows.push(Row::default());
            } else {
                let row = last(&mut rows);
                row.text.push_str(&shown);
                row.width += width;
            }
        }
        // Behind a full row the caret has a row of its own: terminals disagree on where it would stand.
        if caret_at.is_none() && last(&mut rows).width >= columns {
            rows.push(Row::default());
        }
        let caret = caret_at.unwrap_or((rows.len() - 1, last(&mut rows).width));
        Self { rows, caret }
    }

    /// As many rows as the terminal has, those around the caret.
    pub(crate) fn window(mut self, height: usize) -> Self {
        let height = height.max(1);
        let (row, column) = self.caret;
        let first = (row + 1).saturating_sub(height);
        self.rows.drain(..first);
        self.rows.truncate(height);
        Self { rows: self.rows, caret: (row - first, column) }
    }

    /// What a raw terminal is to be sent, from the beginning of an empty line on; the cursor ends at the caret.
    pub(crate) fn painted(&self) -> String {
        let rows: Vec<&str> = self.rows.iter().map(|row| row.text.as_str()).collect();
        let mut out = rows.join("\r\n");
        let (row, column) = self.caret;
        up(&mut out, self.rows.len() - 1 - row);
        out.push('\r');
        if column > 0 {
            out.push_str(&format!("\x1b[{column}C"));
        }
        out
    }

    /// Takes what was painted off the screen, whose width may have changed: terminals break rows that no longer fit.
    pub(crate) fn erased(&self, columns: usize) -> String {
        let columns = columns.max(COLUMNS_MIN);
        let (row, column) = self.caret;
        let above: usize = self.rows[..row].iter().map(|row| row.width.div_ceil(columns).max(1)).sum();
        let mut out = String::new();
        up(&mut out, above + column / columns);
        out.push_str("\r\x1b[J");
        out
    }

    /// Moves below what was painted, and leaves it there.
    pub(crate) fn passed(&self) -> String {
        "\r\n".repeat(self.rows.len() - self.caret.0)
    }
}

fn last(rows: &mut [Row]) -> &mut Row {
    let at = rows.len() - 1;
    &mut rows[at]
}

fn up(out: &mut String, rows: usize) {
    if rows > 0 {
        out.push_str(&format!("\x1b[{rows}A"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, caret: usize, columns: usize, rows: &[&str], at: (usize, usize)) {
        let layout = Layout::new("> ", text, caret, columns);
        let texts: Vec<&str> = layout.rows.iter().map(|row| row.text.as_str()).collect();
        assert_eq!((texts.as_slice(), layout.caret), (rows, at), "{text:?} in {columns}");
        for row in &layout.rows {
            assert_eq!(row.width, UnicodeWidthStr::width(row.text.as_str()), "{text:?}");
        }
    }

    #[test]
    fn rows_are_as_wide_as_the_terminal() {
        check("", 0, 10, &["> "], (0, 2));
        check("abc", 1, 10, &["> abc"], (0, 3));
        check("abcdefgh", 8, 10, &["> abcdefgh", ""], (1, 0));
        check("abcdefgh", 7, 10, &["> abcdefgh"], (0, 9));
        check("abcdefghi", 8, 10, &["> abcdefgh", "i"], (1, 0));
    }

    #[test]
    fn wide_characters_are_not_cut() {
        check("你好", 3, 10, &["> 你好"], (0, 4));
        // One column stays empty.
        check("你好世界", 12, 9, &["> 你好世", "界"], (1, 2));
        check("你好世界", 9, 9, &["> 你好世", "界"], (1, 0));
        check("e\u{301}👨\u{200d}👩\u{200d}👧x", 3, 10, &["> e\u{301}👨\u{200d}👩\u{200d}👧x"], (0, 3));
    }

    #[test]
    fn lines_and_control_characters_of_a_paste_are_shown() {
        check("a\n你", 1, 10, &["> a", "你"], (0, 3));
        check("a\n", 2, 10, &["> a", ""], (1, 0));
        check("abcdefgh\nx", 8, 10, &["> abcdefgh", "x"], (0, 9));
        check("\x1b[2J\tx", 0, 20, &["> ␛[2J x"], (0, 2));
    }

    #[test]
    fn a_text_taller_than_the_terminal_is_shown_around_the_caret() {
        let layout = Layout::new("> ", "1\n2\n3\n4", 5, 10).window(2);
        assert_eq!(layout.painted(), "2\r\n3\r\x1b[1C");
        let layout = Layout::new("> ", "1\n2\n3\n4", 0, 10).window(2);
        assert_eq!(layout.painted(), "> 1\r\n2\x1b[1A\r\x1b[2C");
    }

    #[test]
    fn erasing_counts_the_rows_that_a_narrower_terminal_made() {
        let layout = Layout::new("> ", "abcdefghij", 10, 10);
        assert_eq!(layout.painted(), "> abcdefgh\r\nij\r\x1b[2C");
        assert_eq!(layout.erased(10), "\x1b[1A\r\x1b[J");
        assert_eq!(layout.erased(5), "\x1b[2A\r\x1b[J");
        assert_eq!(layout.passed(), "\r\n");
        assert_eq!(Layout::new("> ", "a\nb", 0, 10).passed(), "\r\n\r\n");
    }
}
