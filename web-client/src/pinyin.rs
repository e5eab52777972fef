//! The first letters of Chinese characters' pinyin, out of the browser's own order of Chinese words: that is by pinyin, so
//! a character lies between the first characters of two letters. No table has to be downloaded for it.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;

use js_sys::{Array, Function, Intl, Object};
use wasm_bindgen::JsValue;

/// The first character of each letter in that order. No syllable begins with i, u or v.
const FIRST: [(char, &str); 23] = [
    ('a', "阿"),
    ('b', "八"),
    ('c', "嚓"),
    ('d', "哒"),
    ('e', "妸"),
    ('f', "发"),
    ('g', "旮"),
    ('h', "哈"),
    ('j', "讥"),
    ('k', "咔"),
    ('l', "垃"),
    ('m', "痳"),
    ('n', "拏"),
    ('o', "噢"),
    ('p', "妑"),
    ('q', "七"),
    ('r', "呥"),
    ('s', "扨"),
    ('t', "它"),
    ('w', "穵"),
    ('x', "夕"),
    ('y', "丫"),
    ('z', "帀"),
];

thread_local! {
    static COMPARE: OnceCell<Function> = const { OnceCell::new() };
    static KNOWN: RefCell<BTreeMap<char, char>> = const { RefCell::new(BTreeMap::new()) };
}

/// The text with the first letter of its pinyin for each Chinese character.
pub(crate) fn initials(text: &str) -> String {
    text.chars().map(|c| if ('\u{4e00}'..='\u{9fff}').contains(&c) { initial(c) } else { c }).collect()
}

fn initial(c: char) -> char {
    if let Some(known) = KNOWN.with_borrow(|known| known.get(&c).copied()) {
        return known;
    }
    let text = JsValue::from(c.to_string());
    let after = FIRST.partition_point(|(_, first)| order(&JsValue::from(*first), &text) <= 0.0);
    let letter = after.checked_sub(1).map_or(c, |at| FIRST[at].0);
    KNOWN.with_borrow_mut(|known| known.insert(c, letter));
    letter
}

fn order(a: &JsValue, b: &JsValue) -> f64 {
    COMPARE.with(|compare| {
        let compare = compare.get_or_init(|| {
            Intl::Collator::new(&Array::of1(&"zh-CN-u-co-pinyin".into()), &Object::new()).compare()
        });
        compare.call2(&JsValue::NULL, a, b).ok().and_then(|order| order.as_f64()).unwrap_or(0.0)
    })
}
