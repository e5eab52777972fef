//! The look of a name: its colour and the character on its seal.

/// How many name colours the style sheet has: `.hue-0` and so on.
pub(crate) const HUES: u32 = 12;

/// The colour of a name, the same everywhere and for ever (FNV-1a over its lower case).
pub(crate) fn hue(name: &str) -> u32 {
    let mut hash = 0x811c_9dc5_u32;
    for byte in name.chars().flat_map(char::to_lowercase).collect::<String>().bytes() {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    (hash ^ (hash >> 15)) % HUES
}

/// The class of a name's colour.
pub(crate) fn hue_class(name: &str) -> &'static str {
    const CLASSES: [&str; HUES as usize] = [
        "hue-0", "hue-1", "hue-2", "hue-3", "hue-4", "hue-5", "hue-6", "hue-7", "hue-8", "hue-9", "hue-10",
        "hue-11",
    ];
    CLASSES[hue(name) as usize]
}

/// What stands on a name's seal: its first character that is a letter or digit, in capitals, else its first.
pub(crate) fn initial(name: &str) -> String {
    let first = name.chars().find(|c| c.is_alphanumeric()).or_else(|| name.chars().next());
    first.map(|c| c.to_uppercase().collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seals_show_a_character_of_any_script() {
        for (name, expected) in
            [("ana", "A"), ("小龙", "小"), ("_x", "X"), ("зоя", "З"), ("🍵", "🍵"), ("", "")]
        {
            assert_eq!(initial(name), expected);
        }
    }

    #[test]
    fn names_keep_their_colour_whatever_their_case() {
        assert_eq!(hue("Ana"), hue("ana"));
        let used: std::collections::BTreeSet<u32> =
            (0..200).map(|number| hue(&format!("guest-{number}"))).collect();
        assert_eq!(used.len(), HUES as usize, "every colour is used");
    }
}
