/// What is shown in the place of a character, so that nothing that somebody wrote is obeyed by a terminal or turns round what
/// stands beside it: a picture of a control character, U+FFFD for C1 controls, bidirectional embeddings, overrides and
/// isolates, interlinear annotation and deprecated formats. Others stay, and so do the plain direction marks, which Arabic
/// and Hebrew need. What becomes of line breaks and tabs, control characters too, is for the caller to say before.
pub fn harmless(c: char) -> char {
    match c {
        // The Control Pictures block has one for each.
        '\0'..='\u{1F}' => char::from_u32(0x2400 + c as u32).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\u{7F}' => '\u{2421}',
        '\u{80}'..='\u{9F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2066}'..='\u{206F}'
        | '\u{FFF9}'..='\u{FFFB}'
        | '\u{FEFF}' => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_acts_stays_and_all_that_is_read_does() {
        let shown = |text: &str| text.chars().map(harmless).collect::<String>();
        assert_eq!(shown("\0\u{1b}[2J\u{7f}\u{9b}1m"), "␀␛[2J␡\u{fffd}1m");
        assert_eq!(
            shown("a\u{202e}b\u{2066}c\u{206a}d\u{fff9}e\u{feff}"),
            "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}e\u{fffd}"
        );
        for text in ["你好 ☕\u{fe0f} 👩\u{200d}🏫", "\u{200f}שלום\u{200e} مرحبا\u{61c}", "e\u{301}"]
        {
            assert_eq!(shown(text), text);
        }
        assert!((0..=0x10_FFFF).filter_map(char::from_u32).all(|c| !harmless(c).is_control()));
    }
}
