//! When Enter sends: never while an input method composes.
//!
//! Three signs count, because no single one is right everywhere: the event's `isComposing`, its key code 229 (an input
//! method took the key), and a flag of our own that outlives `compositionend` until the next tick, since Safari ends
//! the composition before the keydown that ended it.

/// What an input method is doing with the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Composition {
    /// Nothing: what stands in the field is the user's.
    #[default]
    Idle,
    /// It is composing.
    Active,
    /// It has ended in this very tick; a keydown may still belong to it.
    Ending,
}

impl Composition {
    /// `compositionstart`.
    pub(crate) fn start(&mut self) {
        *self = Self::Active;
    }

    /// `compositionend`. [`Self::tick`] is to be called on the next tick.
    pub(crate) fn end(&mut self) {
        *self = Self::Ending;
    }

    /// The tick after `compositionend`. A composition that has begun anew goes on.
    pub(crate) fn tick(&mut self) {
        if *self == Self::Ending {
            *self = Self::Idle;
        }
    }

    /// Whether the program must leave the field's text alone.
    pub(crate) fn holds_field(self) -> bool {
        self == Self::Active
    }

    /// What a key pressed in the composer means.
    pub(crate) fn key(self, key: &Key<'_>) -> Meaning {
        let composing = self != Self::Idle || key.is_composing || key.key_code == KEY_CODE_PROCESS;
        match key.key {
            _ if composing => Meaning::Text,
            "Enter" if !(key.shift || key.alt || key.control || key.meta) => Meaning::Send,
            "Enter" if key.shift => Meaning::Text,
            "Enter" if key.control || key.meta => Meaning::Send,
            "Tab" if !(key.shift || key.alt || key.control || key.meta) => Meaning::Complete,
            "Escape" => Meaning::Escape,
            _ => Meaning::Text,
        }
    }
}

/// The key code of a keydown that an input method took.
const KEY_CODE_PROCESS: u32 = 229;

/// The facts of a `keydown`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Key<'a> {
    /// `key`.
    pub(crate) key: &'a str,
    /// `keyCode`.
    pub(crate) key_code: u32,
    /// `isComposing`.
    pub(crate) is_composing: bool,
    /// `shiftKey`.
    pub(crate) shift: bool,
    /// `altKey`.
    pub(crate) alt: bool,
    /// `ctrlKey`.
    pub(crate) control: bool,
    /// `metaKey`.
    pub(crate) meta: bool,
}

/// What a key in the composer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The field's own business.
    Text,
    /// Send what stands there.
    Send,
    /// Complete the word before the caret.
    Complete,
    /// Close what is open.
    Escape,
}

/// Whether a text became another one by writing into it alone, so that it cannot need less room.
pub(crate) fn is_insertion(before: &str, after: &str) -> bool {
    let same = |pair: &(u8, u8)| pair.0 == pair.1;
    let front = before.bytes().zip(after.bytes()).take_while(same).count();
    let back = before.bytes().rev().zip(after.bytes().rev()).take_while(same).count();
    after.len() >= before.len() && front + back >= before.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_into_a_text_is_told_from_changing_it() {
        for (before, after) in
            [("", ""), ("", "茶"), ("喝茶", "喝红茶"), ("a\nb", "a\nb\n"), ("b", "ab"), ("aa", "aaa")]
        {
            assert!(is_insertion(before, after), "{before} {after}");
        }
        for (before, after) in
            [("茶", ""), ("a\nb", "abcdef"), ("喝红茶", "喝茶"), ("茶", "水水水"), ("aaa", "aa")]
        {
            assert!(!is_insertion(before, after), "{before} {after}");
        }
    }

    const ENTER: Key<'static> = Key {
        key: "Enter",
        key_code: 13,
        is_composing: false,
        shift: false,
        alt: false,
        control: false,
        meta: false,
    };

    #[test]
    fn a_plain_enter_sends_and_shift_enter_breaks_the_line() {
        let idle = Composition::default();
        assert_eq!(idle.key(&ENTER), Meaning::Send);
        assert_eq!(idle.key(&Key { control: true, ..ENTER }), Meaning::Send);
        assert_eq!(idle.key(&Key { shift: true, ..ENTER }), Meaning::Text);
        assert_eq!(idle.key(&Key { alt: true, ..ENTER }), Meaning::Text);
    }

    #[test]
    fn chromium_and_firefox_say_that_they_are_composing() {
        let mut composition = Composition::default();
        composition.start();
        assert_eq!(composition.key(&Key { is_composing: true, key_code: 229, ..ENTER }), Meaning::Text);
        composition.end();
        composition.tick();
        assert_eq!(composition.key(&ENTER), Meaning::Send);
    }

    #[test]
    fn safari_ends_the_composition_before_the_keydown() {
        let mut composition = Composition::default();
        composition.start();
        composition.end();
        assert_eq!(composition.key(&ENTER), Meaning::Text, "the enter that took the candidate");
        composition.tick();
        assert_eq!(composition.key(&ENTER), Meaning::Send, "the next enter");
    }

    #[test]
    fn key_code_229_alone_is_enough() {
        assert_eq!(Composition::default().key(&Key { key_code: 229, ..ENTER }), Meaning::Text);
    }

    #[test]
    fn a_new_composition_survives_the_tick_of_the_last() {
        let mut composition = Composition::default();
        composition.start();
        composition.end();
        composition.start();
        composition.tick();
        assert!(composition.holds_field());
        assert_eq!(composition.key(&ENTER), Meaning::Text);
    }

    #[test]
    fn tab_and_escape_belong_to_the_input_method_while_it_composes() {
        let mut composition = Composition::default();
        let tab = Key { key: "Tab", key_code: 9, ..ENTER };
        let escape = Key { key: "Escape", key_code: 27, ..ENTER };
        assert_eq!(composition.key(&tab), Meaning::Complete);
        assert_eq!(composition.key(&Key { shift: true, ..tab }), Meaning::Text);
        assert_eq!(composition.key(&escape), Meaning::Escape);
        composition.start();
        assert_eq!(composition.key(&tab), Meaning::Text);
        assert_eq!(composition.key(&escape), Meaning::Text);
    }
}
