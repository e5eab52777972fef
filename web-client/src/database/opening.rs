use std::rc::Rc;

use idb::{DatabaseEvent, Factory, ObjectStoreParams, TransactionMode};
use teahouse_client_core::is_operation_key;
use wasm_bindgen_futures::spawn_local;

use super::{Database, Health, Inner, OWNERS, VALUES, Values, put, read};
use crate::house;
use crate::tabs::Tabs;

const NAME: &str = "teahouse";
/// Written at every opening: it shows whether anything can be.
const PROBE: &str = "opened";

impl Database {
    /// Opens the store, and takes what an earlier version kept elsewhere into it where it has nothing for that key.
    /// Comes with everything that is there for this tab. It comes whenever the browser lets it, if ever: another tab may
    /// hold the store.
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
        let mut puts = vec![put(&owners, PROBE, Some(""))];
        for (key, value) in earlier {
            if !kept.contains_key(key) {
                puts.push(put(&values, key, Some(value)));
                kept.insert(key.clone(), value.clone());
            }
        }
        if let Some(tabs) = &tabs {
            kept.retain(|key, _| !belongs_to(key, &owned, &tabs.others));
            puts.extend(
                kept.keys().filter(|key| is_operation_key(key)).map(|key| put(&owners, key, Some(&tabs.own))),
            );
        }
        // What can be read counts, whether or not anything can be written.
        let committed = puts.iter().all(Result::is_ok)
            && transaction.await.is_ok_and(|transaction| transaction.is_committed());
        let mut inner = Inner::new(Some(store));
        if !committed {
            inner.health.set(Health::Refuses);
        }
        *inner.seen.borrow_mut() = kept
            .iter()
            .filter(|(key, _)| !is_operation_key(key))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        if let Some(tabs) = tabs {
            inner.tab = Some(tabs.own);
            *inner.life.borrow_mut() = Some(tabs.life);
            *inner.others.borrow_mut() = tabs.others;
        }
        let this = Self(Rc::new(inner));
        this.follow_store();
        Ok((this, kept))
    }

    /// A later version of the page may take the store over, and the browser may close it.
    fn follow_store(&self) {
        let Some(mut store) = self.0.store.take().and_then(Rc::into_inner) else { return };
        let this = Rc::downgrade(&self.0);
        store.on_version_change(move |_| {
            let Some(this) = this.upgrade() else { return };
            this.is(Health::Outdated);
            // The other page waits for this.
            if let Some(store) = this.store.take() {
                store.close();
            }
        });
        let this = Rc::downgrade(&self.0);
        store.on_close(move |_| {
            let Some(this) = this.upgrade() else { return };
            this.is(Health::Refuses);
            this.store.take();
            let this = Self(this);
            spawn_local(async move {
                if let Ok(store) = open_store().await {
                    *this.0.store.borrow_mut() = Some(Rc::new(store));
                    this.follow_store();
                    this.look();
                    this.write();
                }
            });
        });
        *self.0.store.borrow_mut() = Some(Rc::new(store));
    }
}

async fn open_store() -> Result<idb::Database, idb::Error> {
    // In whichever version is there: a later one of this page may only add to it.
    let mut request = Factory::new()?.open(&house::name_of(NAME), None)?;
    request.on_upgrade_needed(|event| {
        let Ok(store) = event.database() else { return };
        for name in [VALUES, OWNERS] {
            // Without it the first transaction fails, and the program goes on without a store.
            let _ = store.create_object_store(name, ObjectStoreParams::new());
        }
    });
    request.await
}

/// Whether this is a post of one of these tabs.
fn belongs_to(key: &str, owners: &Values, tabs: &std::collections::BTreeSet<String>) -> bool {
    is_operation_key(key) && owners.get(key).is_some_and(|owner| tabs.contains(owner))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

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
