//! What tabs tell each other of the store, and what each then looks for there.

use std::rc::Rc;
use std::time::Duration;

use idb::TransactionMode;
use leptos::prelude::set_timeout;
use teahouse_client_core::{is_draft_key, is_identity_key, is_operation_key};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::{Database, Health, Inner, News, Outcome, Puts, VALUES, Values, read_all};
use crate::channel::{Channel, Said};
use crate::page;
use crate::tabs::Wake;

/// How often other tabs are told of what was written, in milliseconds: what is read of a busy room changes with each message.
const SAY_EVERY_MS: u64 = 500;

impl Database {
    /// From now on, `hear` is told what other tabs do. To be called right after [`Self::open`], before any other tab can
    /// start.
    pub(crate) fn listen(&self, hear: impl Fn(News) + 'static) {
        *self.0.hear.borrow_mut() = Some(Rc::new(hear));
        let this = Rc::downgrade(&self.0);
        *self.0.channel.borrow_mut() = Channel::open(move |said| {
            let Some(this) = this.upgrade() else { return };
            match said {
                // What is typed elsewhere is taken over when somebody looks at this page again.
                Said::Kept(keys) if page::is_hidden() && keys.iter().all(|key| is_draft_key(key)) => {}
                // Whoever signs out takes everything along.
                Said::Kept(keys) if keys.iter().any(|key| is_identity_key(key)) => Self(this).look(),
                Said::Kept(keys) => Self(this).look_at(keys),
                Said::Rooms => this.tell(News::Rooms),
            }
        });
        let Some(own) = &self.0.tab else { return };
        let this = Rc::downgrade(&self.0);
        let ended = move |tab: String| {
            let this = this.clone();
            async move {
                let Some(this) = this.upgrade() else { return };
                match this.adopt(&tab).await {
                    Ok(posts) if posts.is_empty() => {}
                    Ok(posts) => this.tell(News::Inherited(posts)),
                    // They stay that tab's, and go to the next one that starts.
                    Err(_) => this.is(Health::Refuses),
                }
            }
        };
        *self.0.wake.borrow_mut() = Wake::hold(own, self.0.others.take(), ended);
    }

    /// Tells the other tabs that this one has joined or left a room.
    pub(crate) fn say_rooms(&self) {
        self.0.say(&Said::Rooms);
    }

    /// A transaction has come to this.
    pub(super) fn written(&self, outcome: Outcome) {
        let urgent = outcome.changed.iter().any(|key| is_identity_key(key));
        // A post is its tab's own.
        let changed = outcome.changed.into_iter().filter(|key| !is_operation_key(key));
        self.0.unsaid.borrow_mut().extend(changed);
        if urgent || !self.0.say_due.get() {
            self.say_kept();
        }
        if !outcome.lost.is_empty() {
            self.0.tell(News::Shared(outcome.lost));
        }
    }

    /// Tells the other tabs what was written, and not again for a while.
    pub(super) fn say_kept(&self) {
        let keys = self.0.unsaid.take();
        if keys.is_empty() {
            return;
        }
        self.0.say(&Said::Kept(keys.into_iter().collect()));
        if self.0.say_due.replace(true) {
            return;
        }
        let this = self.clone();
        let later = move || {
            this.0.say_due.set(false);
            this.say_kept();
        };
        set_timeout(later, Duration::from_millis(SAY_EVERY_MS));
    }

    /// Looks for what other tabs have put there since this one looked last.
    pub(crate) fn look(&self) {
        let Some(store) = self.0.store.borrow().clone() else { return };
        let this = Rc::clone(&self.0);
        spawn_local(async move {
            if let Ok(held) = read_all(&store).await {
                this.found(this.whole(held));
            }
        });
    }

    /// Looks for what another tab has put there under these keys.
    fn look_at(&self, keys: Vec<String>) {
        let Some(store) = self.0.store.borrow().clone() else { return };
        let this = Rc::clone(&self.0);
        spawn_local(async move {
            if let Ok(held) = read_these(&store, keys).await {
                this.found(held);
            }
        });
    }
}

impl Inner {
    fn found(&self, held: Puts) {
        let news = self.differences(held);
        if !news.is_empty() {
            self.tell(News::Shared(news));
        }
    }

    /// What the whole store holds, and of what this tab knows that it does not hold it any more.
    fn whole(&self, held: Values) -> Puts {
        let mut whole: Puts = self.seen.borrow().keys().map(|key| (key.clone(), None)).collect();
        whole.extend(held.into_iter().map(|(key, value)| (key, Some(value))));
        whole
    }

    /// What of this is not what this tab knows. It knows of it from then on, but for drafts: those that others type are not
    /// its own to remove.
    fn differences(&self, held: Puts) -> Puts {
        let busy =
            |key: &String| self.waiting.borrow().contains_key(key) || self.flying.borrow().contains(key);
        let known = |key: &String, value: &Option<String>| self.seen.borrow().get(key) == value.as_ref();
        let mut news = held;
        news.retain(|key, value| !is_operation_key(key) && !busy(key) && !known(key, value));
        for (key, value) in news.iter().filter(|(key, _)| !is_draft_key(key)) {
            self.sees(key, value.clone());
        }
        news
    }
}

/// What stands under these keys.
async fn read_these(store: &idb::Database, keys: Vec<String>) -> Result<Puts, idb::Error> {
    let values = store.transaction(&[VALUES], TransactionMode::ReadOnly)?.object_store(VALUES)?;
    let mut asked = Vec::new();
    for key in keys {
        let value = values.get(JsValue::from(&key))?;
        asked.push((key, value));
    }
    let mut held = Puts::new();
    for (key, value) in asked {
        held.insert(key, value.await?.and_then(|value| value.as_string()));
    }
    Ok(held)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tab_hears_what_others_have_put_there_and_what_they_have_removed() {
        let tab = Inner::new(None);
        let values = |pairs: &[(&str, &str)]| -> Values {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        *tab.seen.borrow_mut() = values(&[("identity", "ana"), ("read/lobby", "1"), ("draft/lobby", "a")]);
        let held =
            values(&[("identity", "bo"), ("draft/lobby", "b"), ("outbox/0199aabbccdd01234567", "post")]);
        let expected = |pairs: &[(&str, Option<&str>)]| -> Puts {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), value.map(str::to_owned))).collect()
        };
        let draft = ("draft/lobby", Some("b"));
        let look = || tab.differences(tab.whole(held.clone()));
        assert_eq!(look(), expected(&[("identity", Some("bo")), draft, ("read/lobby", None)]));
        assert_eq!(look(), expected(&[draft]), "each once, but for drafts");
        tab.waiting.borrow_mut().insert("draft/lobby".to_owned(), None);
        assert_eq!(look(), Puts::new(), "what this tab is about to change is no news");
        // A look at some keys says nothing of the others.
        let some = expected(&[("identity", Some("bo")), ("read/tea", Some("2"))]);
        assert_eq!(tab.differences(some), expected(&[("read/tea", Some("2"))]));
        assert_eq!(tab.differences(expected(&[("identity", None)])), expected(&[("identity", None)]));
    }
}
