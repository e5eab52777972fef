/// The longest emoji that Unicode recommends, in characters.
const SEQUENCE_CHARS_MAX: usize = 10;

/// How many bytes at the beginning of the text make one emoji that Unicode recommends for interchange (RGI), with or
/// without the variation selectors that a full spelling has.
pub(super) fn sequence_length(text: &str) -> Option<usize> {
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    let length = ends.take(SEQUENCE_CHARS_MAX).filter(|end| emojis::get(&text[..*end]).is_some()).last()?;
    // A digit with a selector is the beginning of a keycap, not an emoji.
    (!text.starts_with(|c: char| c.is_ascii()) || text[..length].ends_with('\u{20E3}')).then_some(length)
}

/// Whether the character makes an emoji only together with others: half a flag, a joiner, a selector or a tag.
pub(super) fn is_part(c: char) -> bool {
    is_half_flag(c) || matches!(c, '\u{200D}' | '\u{FE0E}'..='\u{FE0F}' | '\u{E0020}'..='\u{E007F}')
}

/// A regional indicator.
pub(super) fn is_half_flag(c: char) -> bool {
    matches!(c, '\u{1F1E6}'..='\u{1F1FF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_taken_whole() {
        for emoji in emojis::iter()
            .flat_map(|emoji| [emoji].into_iter().chain(emoji.skin_tones().into_iter().flatten()))
        {
            let text = emoji.as_str();
            assert!(text.chars().count() <= SEQUENCE_CHARS_MAX, "{text}");
            assert_eq!(sequence_length(&format!("{text}x")), Some(text.len()), "{text}");
        }
        for text in
            ["", "a", "1", "#", "1\u{FE0F}", "\u{1F1E6}", "\u{1F1E6}\u{1F1E6}", "\u{200D}", "\u{FE0F}"]
        {
            assert_eq!(sequence_length(text), None, "{text:?}");
        }
    }
}
