//! What the brain keeps between visits: IndexedDB, which outlives the tab and does not block it.
//!
//! Everything is read once, before the brain starts, and written behind it. All tabs of a browser share the values but
//! for posts that wait: a post belongs to the tab it was written in, and goes to another tab when that one is gone: to one
//! that is there, or else to the next one that starts. Where tabs cannot know of each other every tab sends all of them;
//! the server takes each once, since its operation id is the same.
//!
//! A tab writes only over what it knows: each transaction looks at what is there, [`settle`] says what counts, and the
//! brain hears of what another tab has put there. So who comes second never erases who came first.

mod opening;
mod sharing;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use idb::{ObjectStore, Transaction, TransactionMode};
use leptos::prelude::set_timeout;
use teahouse_client_core::{is_contested, is_identity_key, is_kept_post, is_operation_key, settle};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use crate::channel::{Channel, Said};
use crate::tabs::{Lock, Wake};

/// The brain's values by their keys.
const VALUES: &str = "values";
/// Which tab a post belongs to, by the post's key.
const OWNERS: &str = "owners";
/// How long after a failure something is written again, in milliseconds.
const AGAIN_AFTER_MS: u64 = 5_000;
/// How long a transaction may take before the user is told that nothing is kept, in milliseconds.
const WRITE_WITHIN_MS: u64 = 5_000;

type Values = BTreeMap<String, String>;
/// Keys with their new values, `None` where there is none any more.
pub(crate) type Puts = BTreeMap<String, Option<String>>;

/// How it stands with the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// What is put there stays.
    Keeps,
    /// Nothing can be put there at the moment, or ever.
    Refuses,
    /// A later version of this page has taken the store over.
    Outdated,
}

/// What a store has to tell.
#[derive(Debug)]
pub(crate) enum News {
    /// Other tabs have put these values there.
    Shared(Puts),
    /// A tab is gone, and these posts of its are this one's now.
    Inherited(Values),
    /// Another tab has joined or left a room.
    Rooms,
    /// [`Database::health`] is another one.
    Health,
}

/// What is told of other tabs.
type Hear = Rc<dyn Fn(News)>;

/// The store; without one, everything is forgotten with the page. A copy is the same store.
#[derive(Clone)]
pub(crate) struct Database(Rc<Inner>);

struct Inner {
    /// There was a store at the beginning.
    opened: bool,
    store: RefCell<Option<Rc<idb::Database>>>,
    /// This tab, where tabs know of each other.
    tab: Option<String>,
    /// Held while the page is there.
    life: RefCell<Option<Lock>>,
    /// The tabs that were there before this one.
    others: RefCell<BTreeSet<String>>,
    /// Waits for the end of other tabs while the page is there.
    wake: RefCell<Option<Wake>>,
    channel: RefCell<Option<Channel>>,
    hear: RefCell<Option<Hear>>,
    /// What this tab knows to be in the store, posts not counted.
    seen: RefCell<Values>,
    /// What has to be written still, the newest value of each key.
    waiting: RefCell<Puts>,
    /// The keys of the transactions that are on their way, and how many those are.
    flying: RefCell<BTreeSet<String>>,
    writing: Cell<usize>,
    /// The keys that the other tabs have not been told of yet, and whether they are about to be.
    unsaid: RefCell<BTreeSet<String>>,
    say_due: Cell<bool>,
    /// What could not be written is about to be tried again.
    again_due: Cell<bool>,
    health: Cell<Health>,
}

impl Database {
    /// No store.
    pub(crate) fn none() -> Self {
        Self(Rc::new(Inner::new(None)))
    }

    /// How it stands with it.
    pub(crate) fn health(&self) -> Health {
        self.0.health.get()
    }

    /// Keeps or removes a value, from the next writing on.
    pub(crate) fn put(&self, key: String, value: Option<String>) {
        if self.0.opened && self.health() != Health::Outdated {
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
        self.say_kept();
        self.0.wake.take();
        self.0.life.take();
    }

    /// Writes what waits at once, because the page may be gone before anything else happens. The browser keeps the order
    /// of transactions.
    pub(crate) fn write_now(&self) {
        let Some(store) = self.0.store.borrow().clone() else { return };
        let batch = self.0.waiting.take();
        if batch.is_empty() {
            return;
        }
        self.0.writing.set(self.0.writing.get() + 1);
        self.0.flying.borrow_mut().extend(batch.keys().cloned());
        let transaction = self.0.begin(&store, &batch);
        let this = self.clone();
        let arrived = Rc::new(Cell::new(false));
        let late = (this.clone(), Rc::clone(&arrived));
        set_timeout(
            move || {
                if !late.1.get() {
                    late.0.0.is(Health::Refuses);
                }
            },
            Duration::from_millis(WRITE_WITHIN_MS),
        );
        spawn_local(async move {
            let done = match transaction {
                Ok(transaction) => this.0.finish(transaction, &batch).await,
                Err(error) => Err(error),
            };
            arrived.set(true);
            this.0.writing.set(this.0.writing.get() - 1);
            if this.0.writing.get() == 0 {
                this.0.flying.take();
            }
            match done {
                Ok(Some(outcome)) => {
                    this.0.is(Health::Keeps);
                    this.written(outcome);
                    this.write();
                }
                Ok(None) | Err(_) => this.failed(batch),
            }
        });
    }

    /// It goes along with what is written next, unless there is something newer by then.
    fn failed(&self, batch: Puts) {
        self.0.is(Health::Refuses);
        {
            let mut waiting = self.0.waiting.borrow_mut();
            for (key, value) in batch {
                waiting.entry(key).or_insert(value);
            }
        }
        if self.0.again_due.replace(true) {
            return;
        }
        let this = self.clone();
        let again = move || {
            this.0.again_due.set(false);
            this.write();
        };
        set_timeout(again, Duration::from_millis(AGAIN_AFTER_MS));
    }

    /// How many posts of all tabs wait to be sent or were refused.
    pub(crate) async fn unsent(&self) -> Option<usize> {
        let store = self.0.store.borrow().clone()?;
        let held = read_all(&store).await.ok()?;
        Some(held.iter().filter(|(key, value)| is_kept_post(key, value)).count())
    }
}

/// What a transaction came to.
#[derive(Debug, Default)]
struct Outcome {
    /// What stands there now and did not before.
    changed: Vec<String>,
    /// What was put and does not stand there, since another tab came first.
    lost: Puts,
}

impl Inner {
    fn new(store: Option<idb::Database>) -> Self {
        Self {
            opened: store.is_some(),
            health: Cell::new(if store.is_some() { Health::Keeps } else { Health::Refuses }),
            store: RefCell::new(store.map(Rc::new)),
            tab: None,
            life: RefCell::default(),
            others: RefCell::default(),
            wake: RefCell::default(),
            channel: RefCell::default(),
            hear: RefCell::default(),
            seen: RefCell::default(),
            waiting: RefCell::default(),
            flying: RefCell::default(),
            writing: Cell::new(0),
            unsaid: RefCell::default(),
            say_due: Cell::new(false),
            again_due: Cell::new(false),
        }
    }

    fn tell(&self, news: News) {
        let hear = self.hear.borrow().clone();
        if let Some(hear) = hear {
            hear(news);
        }
    }

    fn say(&self, said: &Said) {
        if let Some(channel) = &*self.channel.borrow() {
            channel.say(said);
        }
    }

    fn is(&self, health: Health) {
        // Only loading the page anew ends this.
        if self.health.get() != Health::Outdated && self.health.replace(health) != health {
            self.tell(News::Health);
        }
    }

    /// Makes the posts of a tab that is gone those of this one.
    async fn adopt(&self, tab: &str) -> Result<Values, idb::Error> {
        let store = self.store.borrow().clone();
        let (Some(store), Some(own)) = (store, &self.tab) else { return Ok(Values::new()) };
        let transaction = store.transaction(&[VALUES, OWNERS], TransactionMode::ReadWrite)?;
        let (values, owners) = (transaction.object_store(VALUES)?, transaction.object_store(OWNERS)?);
        let owned = read(&owners).await?;
        let mut posts = read(&values).await?;
        posts.retain(|key, _| is_operation_key(key) && owned.get(key).is_some_and(|owner| owner == tab));
        for key in posts.keys() {
            owners.put(&own.into(), Some(&key.into()))?;
        }
        let committed = transaction.await?.is_committed();
        Ok(if committed { posts } else { Values::new() })
    }

    /// Puts everything that may be put without a look at what is there: that needs no further turn of the browser's, and
    /// so it is kept even when the page is gone in the next moment.
    fn begin(&self, store: &idb::Database, batch: &Puts) -> Result<Transaction, idb::Error> {
        let transaction = store.transaction(&[VALUES, OWNERS], TransactionMode::ReadWrite)?;
        let (values, owners) = (transaction.object_store(VALUES)?, transaction.object_store(OWNERS)?);
        for (key, value) in batch.iter().filter(|(key, value)| !is_contested(key, value.as_deref())) {
            put(&values, key, value.as_deref())?;
            if is_operation_key(key) {
                put(&owners, key, value.as_ref().and(self.tab.as_deref()))?;
            } else {
                self.sees(key, value.clone());
            }
        }
        Ok(transaction)
    }

    /// Puts the rest. `None`: nothing of the whole batch is kept.
    async fn finish(&self, transaction: Transaction, batch: &Puts) -> Result<Option<Outcome>, idb::Error> {
        let (values, owners) = (transaction.object_store(VALUES)?, transaction.object_store(OWNERS)?);
        let (contested, plain): (Vec<_>, Vec<_>) =
            batch.iter().partition(|(key, value)| is_contested(key, value.as_deref()));
        let mut outcome = Outcome::default();
        outcome.changed.extend(plain.iter().map(|(key, _)| (*key).clone()));
        let mut asked = Vec::new();
        for (key, value) in contested {
            asked.push((key, value, values.get(JsValue::from(key))?));
        }
        let mut settled_values = Vec::new();
        for (key, value, held) in asked {
            let held = held.await?.and_then(|held| held.as_string());
            let seen = self.seen.borrow().get(key).cloned();
            let settled = settle(key, seen.as_deref(), held.as_deref(), value.as_deref());
            if settled != held.as_deref() {
                put(&values, key, settled)?;
                outcome.changed.push(key.clone());
                if is_identity_key(key) && settled.is_none() {
                    // Without somebody nothing that is kept is anybody's, but for what is put together with that.
                    values.clear()?;
                    owners.clear()?;
                    for (key, value) in &plain {
                        put(&values, key, value.as_deref())?;
                    }
                }
            }
            if settled != value.as_deref() {
                outcome.lost.insert(key.clone(), settled.map(str::to_owned));
            }
            settled_values.push((key, settled.map(str::to_owned)));
        }
        if !transaction.await?.is_committed() {
            return Ok(None);
        }
        for (key, settled) in settled_values {
            self.sees(key, settled);
        }
        Ok(Some(outcome))
    }

    fn sees(&self, key: &str, value: Option<String>) {
        let mut seen = self.seen.borrow_mut();
        match value {
            Some(value) => seen.insert(key.to_owned(), value),
            None => seen.remove(key),
        };
    }
}

fn put(store: &ObjectStore, key: &str, value: Option<&str>) -> Result<(), idb::Error> {
    let name = JsValue::from(key);
    match value {
        Some(value) => store.put(&value.into(), Some(&name)).map(drop),
        None => store.delete(name).map(drop),
    }
}

/// Everything in one of the stores.
async fn read(store: &ObjectStore) -> Result<Values, idb::Error> {
    let (keys, values) = (store.get_all_keys(None, None)?, store.get_all(None, None)?);
    let (keys, values) = (keys.await?, values.await?);
    let pairs = keys.iter().zip(&values);
    Ok(pairs.filter_map(|(key, value)| Some((key.as_string()?, value.as_string()?))).collect())
}

async fn read_all(store: &idb::Database) -> Result<Values, idb::Error> {
    read(&store.transaction(&[VALUES], TransactionMode::ReadOnly)?.object_store(VALUES)?).await
}
