//! What the brain keeps between visits: IndexedDB, which outlives the tab and does not block it.
//!
//! Everything is read once, before the brain starts, and written behind it. All tabs of a browser share the values but
//! for posts that wait: a post belongs to the tab it was written in, and goes to another tab when that one is gone: to one
//! that is there, or else to the next one that starts. Where tabs cannot know of each other every tab sends all of them; the server takes each once, since its
//! operation id is the same.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use idb::{DatabaseEvent, Factory, ObjectStoreParams, TransactionMode};
use teahouse_client_core::is_post_key;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use crate::tabs::{Lock, Tabs, Wake};

const NAME: &str = "teahouse";
const VERSION: u32 = 1;
/// The brain's values by their keys.
const VALUES: &str = "values";
/// Which tab a post belongs to, by the post's key.
const OWNERS: &str = "owners";

type Values = BTreeMap<String, String>;

/// The store; without one, everything is forgotten with the page. A copy is the same store.
#[derive(Clone)]
pub(crate) struct Database(Rc<Inner>);

struct Inner {
    store: Option<idb::Database>,
    /// This tab, where tabs know of each other.
    tab: Option<String>,
    /// Held while the page is there.
    life: RefCell<Option<Lock>>,
    /// The tabs that were there before this one.
    others: RefCell<BTreeSet<String>>,
    /// Waits for the end of other tabs while the page is there.
    wake: RefCell<Option<Wake>>,
    /// What has to be written still, the newest value of each key.
    waiting: RefCell<BTreeMap<String, Option<String>>>,
    /// How many transactions are on their way.
    writing: Cell<usize>,
    refused: Cell<bool>,
}

impl Database {
    /// Opens the store, and takes what an earlier version kept elsewhere into it where it has nothing for that key.
    /// Comes with everything that is there for this tab.
    pub(crate) async fn open(
        tab: String,
        earlier: &[(String, String)],
    ) -> Result<(Self, Values), idb::Error> {
        let tabs = Tabs::enter(tab).await;
        let store = open_store().await?;
        let transaction = store.transaction(&[VALUES, OWNERS], TransactionMode::ReadWrite)?;
        let (values, owners) = (transaction.object_store(VALUES)?, transaction.object_store(OWNERS)?);
        let mut kept = read(&values).await?;
        let owned = read(&owners).await?;
        for (key, value) in earlier {
            if !kept.contains_key(key) {
                values.put(&value.into(), Some(&key.into()))?;
                kept.insert(key.clone(), value.clone());
            }
        }
        if let Some(tabs) = &tabs {
            kept.retain(|key, _| !belongs_to(key, &owned, &tabs.others));
            for key in kept.keys().filter(|key| is_post_key(key)) {
                owners.put(&(&*tabs.own).into(), Some(&key.into()))?;
            }
        }
        let committed = transaction.await?.is_committed();
        let mut inner = Inner { refused: Cell::new(!committed), ..Inner::new(Some(store)) };
        if let Some(tabs) = tabs {
            inner.tab = Some(tabs.own);
            inner.life = RefCell::new(Some(tabs.life));
            inner.others = RefCell::new(tabs.others);
        }
        Ok((Self(Rc::new(inner)), kept))
    }

    /// From now on, `hear` is given the posts of tabs that end. To be called right after [`Self::open`], before any other
    /// tab can start.
    pub(crate) fn inherit(&self, hear: impl Fn(Values) + 'static) {
        let Some(own) = &self.0.tab else { return };
        let (this, hear) = (Rc::downgrade(&self.0), Rc::new(hear));
        let ended = move |tab: String| {
            let (this, hear) = (this.clone(), Rc::clone(&hear));
            async move {
                let Some(this) = this.upgrade() else { return };
                match this.adopt(&tab).await {
                    Ok(posts) if posts.is_empty() => {}
                    Ok(posts) => hear(posts),
                    // They stay that tab's, and go to the next one that starts.
                    Err(_) => this.refused.set(true),
                }
            }
        };
        *self.0.wake.borrow_mut() = Wake::hold(own, self.0.others.take(), ended);
    }

    /// No store.
    pub(crate) fn none() -> Self {
        Self(Rc::new(Inner::new(None)))
    }

    /// Whether something could not be kept.
    pub(crate) fn refused(&self) -> bool {
        self.0.refused.get()
    }

    /// Keeps or removes a value, from the next writing on.
    pub(crate) fn put(&self, key: String, value: Option<String>) {
        if self.0.store.is_some() {
            self.0.waiting.borrow_mut().insert(key, value);
        }
    }

    /// Writes what waits, once what is on its way has arrived.
    pub(crate) fn write(&self) {
        if self.0.writing.get() == 0 {
            self.write_now();
        }
    }

    /// Writes what waits, and leaves this page's posts to whichever page of this browser starts next. The browser may keep
    /// a page that was left for a long time, and its locks with it.
    pub(crate) fn leave(&self) {
        self.write_now();
        self.0.wake.take();
        self.0.life.take();
    }

    /// Writes what waits at once, because the page may be gone before anything else happens. The browser keeps the order
    /// of transactions.
    pub(crate) fn write_now(&self) {
        let Some(store) = &self.0.store else { return };
        let batch = self.0.waiting.take();
        if batch.is_empty() {
            return;
        }
        self.0.writing.set(self.0.writing.get() + 1);
        let transaction = self.0.begin(store, &batch);
        let this = self.clone();
        spawn_local(async move {
            let done = match transaction {
                Ok(transaction) => transaction.await.is_ok_and(|result| result.is_committed()),
                Err(_) => false,
            };
            this.0.writing.set(this.0.writing.get() - 1);
            if done {
                this.write();
            } else {
                this.0.refused.set(true);
                // It goes along with what is written next, unless there is something newer by then.
                let mut waiting = this.0.waiting.borrow_mut();
                for (key, value) in batch {
                    waiting.entry(key).or_insert(value);
                }
            }
        });
    }
}

impl Inner {
    fn new(store: Option<idb::Database>) -> Self {
        Self {
            refused: Cell::new(store.is_none()),
            store,
            tab: None,
            life: RefCell::default(),
            others: RefCell::default(),
            wake: RefCell::default(),
            waiting: RefCell::default(),
            writing: Cell::new(0),
        }
    }

    /// Makes the posts of a tab that is gone those of this one.
    async fn adopt(&self, tab: &str) -> Result<Values, idb::Error> {
        let (Some(store), Some(own)) = (&self.store, &self.tab) else { return Ok(Values::new()) };
        let transaction = store.transaction(&[VALUES, OWNERS], TransactionMode::ReadWrite)?;
        let (values, owners) = (transaction.object_store(VALUES)?, transaction.object_store(OWNERS)?);
        let owned = read(&owners).await?;
        let mut posts = read(&values).await?;
        posts.retain(|key, _| is_post_key(key) && owned.get(key).is_some_and(|owner| owner == tab));
        for key in posts.keys() {
            owners.put(&own.into(), Some(&key.into()))?;
        }
        let committed = transaction.await?.is_committed();
        Ok(if committed { posts } else { Values::new() })
    }

    fn begin(
        &self,
        store: &idb::Database,
        batch: &BTreeMap<String, Option<String>>,
    ) -> Result<idb::Transaction, idb::Error> {
        let transaction = store.transaction(&[VALUES, OWNERS], TransactionMode::ReadWrite)?;
        let (values, owners) = (transaction.object_store(VALUES)?, transaction.object_store(OWNERS)?);
        for (key, value) in batch {
            let name = JsValue::from(key);
            let tab = self.tab.as_ref().filter(|_| is_post_key(key));
            match value {
                Some(value) => {
                    values.put(&value.into(), Some(&name))?;
                    if let Some(tab) = tab {
                        owners.put(&tab.into(), Some(&name))?;
                    }
                }
                None => {
                    values.delete(name.clone())?;
                    if is_post_key(key) {
                        owners.delete(name)?;
                    }
                }
            }
        }
        Ok(transaction)
    }
}

async fn open_store() -> Result<idb::Database, idb::Error> {
    let mut request = Factory::new()?.open(NAME, Some(VERSION))?;
    request.on_upgrade_needed(|event| {
        let Ok(store) = event.database() else { return };
        for name in [VALUES, OWNERS] {
            // Without it the first transaction fails, and the program goes on without a store.
            let _ = store.create_object_store(name, ObjectStoreParams::new());
        }
    });
    request.await
}

/// Everything in one of the stores.
async fn read(store: &idb::ObjectStore) -> Result<Values, idb::Error> {
    let (keys, values) = (store.get_all_keys(None, None)?, store.get_all(None, None)?);
    let (keys, values) = (keys.await?, values.await?);
    let pairs = keys.iter().zip(&values);
    Ok(pairs.filter_map(|(key, value)| Some((key.as_string()?, value.as_string()?))).collect())
}

/// Whether this is a post of one of these tabs.
fn belongs_to(key: &str, owners: &Values, tabs: &BTreeSet<String>) -> bool {
    is_post_key(key) && owners.get(key).is_some_and(|owner| tabs.contains(owner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_is_left_to_the_tab_that_it_was_written_in_while_that_one_lives() {
        let post = "outbox/0199aabbccdd01234567";
        let tabs = BTreeSet::from(["a".to_owned()]);
        let owner = |tab: &str| Values::from([(post.to_owned(), tab.to_owned())]);
        assert!(belongs_to(post, &owner("a"), &tabs));
        assert!(!belongs_to(post, &owner("b"), &tabs), "its tab is gone");
        assert!(!belongs_to(post, &Values::new(), &tabs), "nobody has it");
        assert!(!belongs_to("draft/lobby", &Values::from([("draft/lobby".into(), "a".into())]), &tabs));
    }
}
