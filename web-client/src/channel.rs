//! What tabs of one browser tell each other at once. A tab that misses it looks into the store when it is looked at again.

use js_sys::Array;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{BroadcastChannel, MessageEvent};

use crate::house;

const NAME: &str = "teahouse.store";
const KEPT: &str = "kept";
const ROOMS: &str = "rooms";

/// Something that another tab has done. What a later version may have to say is not heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// It has put other values under these keys of the store.
    Kept(Vec<String>),
    /// It has joined or left a room.
    Rooms,
}

impl Said {
    fn to_words(&self) -> Vec<&str> {
        match self {
            Self::Kept(keys) => [KEPT].into_iter().chain(keys.iter().map(String::as_str)).collect(),
            Self::Rooms => vec![ROOMS],
        }
    }

    fn from_words(words: &[String]) -> Option<Self> {
        let (kind, rest) = words.split_first()?;
        match kind.as_str() {
            KEPT => Some(Self::Kept(rest.to_vec())),
            ROOMS => Some(Self::Rooms),
            _ => None,
        }
    }
}

/// This tab's end. Dropping it closes it.
pub(crate) struct Channel {
    inner: BroadcastChannel,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
}

impl Channel {
    /// `None`: this browser has none, or not for this page.
    pub(crate) fn open(hear: impl Fn(Said) + 'static) -> Option<Self> {
        let inner = BroadcastChannel::new(&house::name_of(NAME)).ok()?;
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let words = event.data().dyn_into::<Array>().unwrap_or_default();
            let words: Vec<String> = words.iter().filter_map(|word| word.as_string()).collect();
            if let Some(said) = Said::from_words(&words) {
                hear(said);
            }
        });
        inner.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        Some(Self { inner, _on_message: on_message })
    }

    /// Tells all other tabs.
    pub(crate) fn say(&self, said: &Said) {
        let words: Array = said.to_words().into_iter().map(wasm_bindgen::JsValue::from).collect();
        let _ = self.inner.post_message(&words);
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.inner.set_onmessage(None);
        self.inner.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_tab_says_another_hears() {
        for said in [Said::Rooms, Said::Kept(vec!["identity".into(), "read/茶".into()]), Said::Kept(vec![])]
        {
            let words: Vec<String> = said.to_words().into_iter().map(str::to_owned).collect();
            assert_eq!(Said::from_words(&words), Some(said));
        }
        assert_eq!(Said::from_words(&["fireworks".to_owned()]), None, "a later version");
        assert_eq!(Said::from_words(&[]), None);
    }
}
