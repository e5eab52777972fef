/// Whether nothing is drawn for this character: a control character, one that Unicode 18.0 lets every font ignore
/// (`Default_Ignorable_Code_Point`: joiners, variation selectors, fillers, tags, soft hyphens …), a format character
/// that only acts on its neighbours, a glyph without ink, or a code that is no character. White space is not among
/// them: it is seen between other characters.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || is_default_ignorable(c)
        || matches!(c,
            // Marks an abbreviation by a line over letters that follow.
            '\u{070F}'
            // A braille pattern without dots, a consonant joiner, interlinear annotation, and the place of an object.
            | '\u{2800}' | '\u{2D7F}' | '\u{FFF9}'..='\u{FFFC}'
            // A number joiner, Egyptian format controls and blanks, a filler, a letter selector, a note without a head.
            | '\u{1107F}' | '\u{13430}'..='\u{13442}' | '\u{16FE4}' | '\u{1BC9D}' | '\u{1D159}'
            | '\u{FDD0}'..='\u{FDEF}')
        || (c as u32) & 0xFFFE == 0xFFFE
}

/// `Default_Ignorable_Code_Point` of Unicode 18.0, unassigned ones included.
pub(crate) fn is_default_ignorable(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFF8}'
        | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The skeleton of UTS #39 leaves out what is ignorable, and nothing else.
    #[test]
    fn the_table_is_that_of_unicode() {
        assert_eq!(unicode_security::UNICODE_VERSION, (18, 0, 0));
        for c in '\0'..=char::MAX {
            let ignorable = unicode_security::skeleton(c.encode_utf8(&mut [0; 4])).next().is_none();
            assert_eq!(is_default_ignorable(c), ignorable, "U+{:04X}", c as u32);
        }
    }

    #[test]
    fn blanks_are_invisible_and_ink_is_not() {
        for c in "\u{3164}\u{ffa0}\u{115f}\u{2800}\u{e0041}\u{fe0f}\u{ad}\u{fff9}\u{34f}\u{17b4}\u{1d173}\u{7}\u{feff}\u{16fe4}\u{fffc}".chars() {
            assert!(is_invisible(c), "U+{:04X}", c as u32);
        }
        for c in "a茶.\u{301}\u{fffd}\u{2801}\u{e000}☕".chars() {
            assert!(!is_invisible(c), "U+{:04X}", c as u32);
        }
    }
}
