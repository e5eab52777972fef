//! Which tabs of this browser have the program open: each holds a lock of the browser's for as long as it lives.
//!
//! Browsers have such locks on https and on this machine only. Elsewhere a tab knows nothing of the others.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use js_sys::{Array, Function, Object, Promise, Reflect};
use leptos::prelude::set_timeout;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortController, AbortSignal, BroadcastChannel, MessageEvent};

/// The lock under which tabs start one after another, so that each knows of those that started before it.
const START: &str = "teahouse.start";
/// How long a tab waits for those that start before it, in milliseconds; then it goes on as if it could not know of others.
const START_WITHIN_MS: u64 = 2_000;
/// The lock that a tab lives under, before its name.
const TAB: &str = "teahouse.tab.";
/// The channel on which a tab tells its name to those that are there when it starts.
const TABS: &str = "teahouse.tabs";

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
    /// Makes this tab known under a name. `None`: the browser does not offer it here, or another tab has been frozen while
    /// it started.
    pub(crate) async fn enter(own: String) -> Option<Self> {
        let patience = AbortController::new().ok()?;
        let signal = patience.signal();
        set_timeout(move || patience.abort(), Duration::from_millis(START_WITHIN_MS));
        let start = request(START, Some(&signal)).await?;
        let others = held().await?;
        let life = request(&format!("{TAB}{own}"), None).await?;
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

/// Waits for the end of other tabs. Dropping it ends the waiting.
pub(crate) struct Wake {
    channel: BroadcastChannel,
    abort: AbortController,
    _on_name: Closure<dyn FnMut(MessageEvent)>,
}

impl Wake {
    /// Waits for the end of these tabs, and of those that start later. `ended` is told the name of each, and of no tab are
    /// two told at a time: it holds that tab's lock until it is done.
    pub(crate) fn hold<F>(
        own: &str,
        others: BTreeSet<String>,
        ended: impl Fn(String) -> F + 'static,
    ) -> Option<Self>
    where
        F: Future<Output = ()> + 'static,
    {
        let (channel, abort) = (BroadcastChannel::new(TABS).ok()?, AbortController::new().ok()?);
        let (signal, ended) = (abort.signal(), Rc::new(ended));
        let wait_for = move |tab: String| {
            let (signal, ended) = (signal.clone(), Rc::clone(&ended));
            spawn_local(async move {
                if let Some(_life) = request(&format!("{TAB}{tab}"), Some(&signal)).await {
                    ended(tab).await;
                }
            });
        };
        others.into_iter().for_each(&wait_for);
        let on_name = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(tab) = event.data().as_string() {
                wait_for(tab);
            }
        });
        channel.set_onmessage(Some(on_name.as_ref().unchecked_ref()));
        channel.post_message(&own.into()).ok()?;
        Some(Self { channel, abort, _on_name: on_name })
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        self.channel.set_onmessage(None);
        self.channel.close();
        self.abort.abort();
    }
}

async fn request(name: &str, abort: Option<&AbortSignal>) -> Option<Lock> {
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
    let options = Object::new();
    if let Some(abort) = abort {
        Reflect::set(&options, &"signal".into(), abort).ok()?;
    }
    let ended = ask.call3(&locks, &name.into(), &options, &callback).ok()?;
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
