//! Which tabs of this browser have the program open: each holds a lock of the browser's for as long as it lives.
//!
//! Browsers have such locks on https and on this machine only. Elsewhere a tab knows nothing of the others.

use std::collections::BTreeSet;

use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// The lock under which tabs start one after another, so that each knows of those that started before it.
const START: &str = "teahouse.start";
/// The lock that a tab lives under, before its name.
const TAB: &str = "teahouse.tab.";

/// A lock of the browser's; given back when it is dropped.
pub(crate) struct Lock {
    release: Function,
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.release.call0(&JsValue::UNDEFINED);
    }
}

/// This tab, and those that were there before it. No other tab starts while this value is held.
pub(crate) struct Tabs {
    /// This tab's name.
    pub(crate) own: String,
    /// The names of the others.
    pub(crate) others: BTreeSet<String>,
    /// What tells others that this tab lives.
    pub(crate) life: Lock,
    _start: Lock,
}

impl Tabs {
    /// Makes this tab known under a name. `None`: the browser does not offer it here.
    pub(crate) async fn enter(own: String) -> Option<Self> {
        let start = request(START).await?;
        let others = held().await?;
        let life = request(&format!("{TAB}{own}")).await?;
        Some(Self { own, others, life, _start: start })
    }
}

fn locks() -> Option<JsValue> {
    let navigator = web_sys::window()?.navigator();
    Reflect::get(&navigator, &"locks".into()).ok().filter(JsValue::is_object)
}

fn method(locks: &JsValue, name: &str) -> Option<Function> {
    Reflect::get(locks, &name.into()).ok()?.dyn_into().ok()
}

async fn request(name: &str) -> Option<Lock> {
    let locks = locks()?;
    let ask = method(&locks, "request")?;
    let mut release = None;
    let held = Promise::new(&mut |resolve, _| release = Some(resolve));
    let mut granted = None;
    let grant = Promise::new(&mut |resolve, _| granted = Some(resolve));
    let granted: Function = granted?;
    let callback = Closure::once_into_js(move |_lock: JsValue| {
        let _ = granted.call0(&JsValue::UNDEFINED);
        held
    });
    let ended = ask.call2(&locks, &name.into(), &callback).ok()?;
    // A refusal ends the request before anything is granted.
    JsFuture::from(Promise::race(&Array::of2(&grant, &ended))).await.ok()?;
    Some(Lock { release: release? })
}

/// The tabs that hold their locks.
async fn held() -> Option<BTreeSet<String>> {
    let locks = locks()?;
    let query: Promise = method(&locks, "query")?.call0(&locks).ok()?.dyn_into().ok()?;
    let answer = JsFuture::from(query).await.ok()?;
    let held: Array = Reflect::get(&answer, &"held".into()).ok()?.dyn_into().ok()?;
    let names = held.iter().filter_map(|lock| Reflect::get(&lock, &"name".into()).ok()?.as_string());
    Some(names.filter_map(|name| Some(name.strip_prefix(TAB)?.to_owned())).collect())
}
