//! What of a text decides how it is shown.

/// A text of more lines than this is folded.
const LINES_MAX: usize = 20;
/// A text of more characters than this is folded too: in a narrow window it has as many lines.
const CHARS_MAX: usize = 1_500;
/// So many emoji alone are shown large.
const LARGE_EMOJI_MAX: usize = 3;

/// A text without the empty lines around it.
pub(crate) fn shown_text(text: &str) -> &str {
    let text = text.trim_end();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if !line.trim().is_empty() {
            break;
        }
        start += line.len();
    }
    &text[start..]
}

/// Whether a text is so long that it is folded at first.
pub(crate) fn is_long(text: &str) -> bool {
    text.lines().nth(LINES_MAX).is_some() || text.chars().nth(CHARS_MAX).is_some()
}

/// Whether a text is one emoji or a few, and nothing else.
pub(crate) fn is_emoji(text: &str) -> bool {
    let mut count = 0;
    let mut half_flags = 0;
    let mut joined = false;
    for c in text.trim().chars() {
        match c {
            '\u{200d}' => {
                joined = count > 0;
                continue;
            }
            '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}' if count > 0 => {}
            ' ' => {}
            '\u{1f1e6}'..='\u{1f1ff}' => {
                half_flags += 1;
                count += half_flags % 2;
            }
            '\u{1f300}'..='\u{1faff}'
            | '\u{2600}'..='\u{27bf}'
            | '\u{231a}'
            | '\u{231b}'
            | '\u{23e9}'..='\u{23f3}'
            | '\u{2b50}'
            | '\u{2b55}'
            | '\u{2b1b}'
            | '\u{2b1c}'
            | '\u{3030}'
            | '\u{303d}' => count += usize::from(!joined),
            _ => return false,
        }
        joined = false;
    }
    (1..=LARGE_EMOJI_MAX).contains(&count) && half_flags % 2 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_lines_around_are_not_shown() {
        assert_eq!(shown_text("\n \n  a\n\nb\n\n "), "  a\n\nb");
        assert_eq!(shown_text("a"), "a");
    }

    #[test]
    fn long_texts_are_folded() {
        assert!(!is_long(&"a\n".repeat(20)) && is_long(&"a\n".repeat(21)));
        assert!(!is_long(&"茶".repeat(1_500)) && is_long(&"茶".repeat(1_501)));
    }

    #[test]
    fn few_emoji_alone_are_large() {
        for text in ["🍵", "☕️", "👩\u{200d}🏫", "👍🏽", "🇨🇳", "🍵🍵 🍵", "❤️"]
        {
            assert!(is_emoji(text), "{text}");
        }
        for text in ["", "a", "🍵a", "🍵🍵🍵🍵", "1", "\u{200d}", "\u{fe0f}", "🇨", "茶"] {
            assert!(!is_emoji(text), "{text}");
        }
    }
}
