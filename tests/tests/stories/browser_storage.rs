//! A browser that does not keep what it is given, or does not hand it over: nobody loses who they are, and nobody's name is
//! locked away.

use serde_json::json;
use teahouse_tests::browser::Browser;
use teahouse_tests::page::{Page, testid};
use teahouse_tests::server::Server;
use teahouse_tests::tcp;
use teahouse_tests::wait::within;

/// All of the browser's stores throw, as with blocked cookies.
const ALL_BLOCKED: &str = "
    for (const name of ['indexedDB', 'localStorage', 'sessionStorage']) {
        Object.defineProperty(window, name, { get() { throw new DOMException('no', 'SecurityError'); } });
    }";
/// There is no such thing as a store.
const NO_STORE: &str = "Object.defineProperty(window, 'indexedDB', { value: undefined });";
/// Opening the store fails.
const OPEN_FAILS: &str = "
    IDBFactory.prototype.open = () => { throw new DOMException('no', 'UnknownError'); };";
/// The store is full.
pub(crate) const FULL: &str = "
    IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError'); };";

/// Takes the store away from every tab until `window.giveBack()`: a transaction that does not end.
const HOLD_STORE: &str = "
    const done = arguments[arguments.length - 1];
    const open = indexedDB.open('teahouse');
    open.onsuccess = () => {
        const transaction = open.result.transaction(['values', 'owners'], 'readwrite');
        let held = true;
        window.giveBack = () => { held = false; };
        const hold = () => {
            if (!held) return open.result.close();
            transaction.objectStore('values').get('nothing').onsuccess = hold;
        };
        hold();
        window.holdsStore = true;
    };";

/// Waits until somebody else gets this name, to keep it: the server hears of the end of the page a moment later.
async fn becomes_free(server: &Server, name: &str) {
    within("the name to be free", async {
        let mut somebody = tcp::connect(server).await;
        let auth = json!({"type": "guest", "name": name, "keep": true});
        while somebody.ask("hello", json!({"protocol": 1, "auth": auth})).await["type"] != "welcome" {}
    })
    .await;
}

#[tokio::test]
async fn a_name_that_cannot_be_kept_is_not_locked_away() {
    for script in [ALL_BLOCKED, NO_STORE, OPEN_FAILS, FULL] {
        // Asked for the name until it is free, it would have enough of that.
        let server = Server::with(&["--unlimited"]).await;
        let browser = Browser::start().await;
        browser.before_load(script).await;
        let page = Page::open(browser, &server).await;
        page.visible("storage").await;
        page.choose_name("ana").await;
        page.visible("storage").await;
        page.say("在").await;
        page.message("在").await;
        page.browser.open("about:blank").await;
        becomes_free(&server, "ana").await;
    }
}

#[tokio::test]
async fn a_store_that_is_full_still_says_who_one_is() {
    let server = Server::start().await;
    let page = Page::enter(&server, "ana").await;
    page.hidden("storage").await;
    page.browser.before_load(FULL).await;
    page.browser.reload().await;
    page.is("ana").await;
    page.visible("storage").await;
}

#[tokio::test]
async fn while_another_tab_holds_the_store_one_reads_and_then_goes_on() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    witness.post("lobby", "早").await;
    let page = Page::enter(&server, "ana").await;
    page.say("我在").await;
    page.message("我在").await;
    let first = page.browser.tab().await;
    page.browser.open_tab(&format!("{}healthz", server.url())).await;
    let holder = page.browser.tab().await;
    page.browser.run(HOLD_STORE, json!([])).await;
    page.browser.when("the store is held", "return window.holdsStore;", json!([])).await;
    let before = witness.whole_history("lobby").await.len();

    page.browser.open_tab(&server.url()).await;
    let reader = page.browser.tab().await;
    page.stands_outside("nobody").await;
    page.message("早").await;
    page.message("我在").await;
    page.hidden("name-input").await;
    witness.post("lobby", "来了没有").await;
    page.message("来了没有").await;
    // Nothing that needs to be somebody can be done, and nobody hears of somebody new.
    page.browser.click(&testid("settings-open")).await;
    page.browser.element(&testid("theme")).await;
    page.hidden("rename-input").await;
    page.hidden("sign-out").await;
    assert_eq!(witness.whole_history("lobby").await.len(), before + 1);

    page.browser.go_to_tab(holder).await;
    page.browser.run("giveBack()", json!([])).await;
    page.browser.go_to_tab(reader).await;
    page.is("ana").await;
    page.hidden("standing").await;
    page.browser.go_to_tab(first).await;
    page.is("ana").await;
}

#[tokio::test]
async fn a_tab_that_is_frozen_while_it_starts_keeps_nobody_out() {
    let server = Server::start().await;
    let page = Page::enter(&server, "ana").await;
    page.browser.open_tab(&format!("{}healthz", server.url())).await;
    page.browser
        .run("navigator.locks.request('teahouse.start', () => new Promise(() => {}));", json!([]))
        .await;
    page.browser.open_tab(&server.url()).await;
    page.is("ana").await;
}

#[tokio::test]
async fn a_later_version_of_the_page_gets_the_store_and_an_earlier_one_says_so() {
    let server = Server::start().await;
    let page = Page::enter(&server, "ana").await;
    let first = page.browser.tab().await;
    page.browser.open_tab(&format!("{}healthz", server.url())).await;
    page.browser
        .run(
            "const later = indexedDB.open('teahouse', 7);
             later.onupgradeneeded = () => later.result.createObjectStore('more');
             later.onsuccess = () => { later.result.close(); window.upgraded = true; };",
            json!([]),
        )
        .await;
    page.browser.when("the later version has the store", "return window.upgraded;", json!([])).await;
    page.browser.go_to_tab(first).await;
    page.visible("storage").await;
    page.say("还能说").await;
    page.message("还能说").await;
    // What was kept is there for both.
    page.browser.reload().await;
    page.is("ana").await;
    page.hidden("storage").await;
}

/// What the client kept before its tabs told each other anything: somebody, a draft, posts that wait and one that was refused
/// without a code, and the tab that they were written in.
const KEPT_BY_AN_EARLIER_VERSION: &str = r#"
    const [token, epoch] = arguments;
    const open = indexedDB.open('teahouse', 1);
    open.onupgradeneeded = () => {
        for (const name of ['values', 'owners']) open.result.createObjectStore(name);
    };
    open.onsuccess = () => {
        const transaction = open.result.transaction(['values', 'owners'], 'readwrite');
        const [values, owners] = ['values', 'owners'].map(name => transaction.objectStore(name));
        values.put(JSON.stringify({ name: 'ana', token }), 'identity');
        values.put('品茶', 'active');
        values.put('写了一半', 'draft/品茶');
        values.put(JSON.stringify({ epoch, seq: 1 }), 'read/品茶');
        const at = '2026-11-18T08:26:40.000Z';
        const posts = {
            'outbox/0199aabbccdd01234567': { room: '品茶', text: '断线时写的', at },
            'outbox/0199aabbccdd01234568': { room: '品茶', text: '挥挥手', action: true, at },
            'outbox/0199aabbccdd01234569': { room: '品茶', text: '没发成', at, failed: { reason: 'no', retryable: true } },
        };
        for (const [key, post] of Object.entries(posts)) {
            values.put(JSON.stringify(post), key);
            owners.put('00c0ffee00c0ffee', key);
        }
        transaction.oncomplete = () => { open.result.close(); window.kept = true; };
    };"#;

#[tokio::test]
async fn what_an_earlier_version_kept_is_still_there() {
    let server = Server::start().await;
    let mut ana = tcp::connect(&server).await;
    let auth = json!({"type": "guest", "name": "ana", "keep": true});
    let welcome = ana.must("hello", json!({"protocol": 1, "auth": auth})).await;
    ana.enter("品茶").await;
    let page = ana.must("history", json!({"room": "品茶", "after": 0, "limit": 1})).await;
    drop(ana);

    let browser = Browser::start().await;
    browser.open(&format!("{}healthz", server.url())).await;
    browser.run(KEPT_BY_AN_EARLIER_VERSION, json!([welcome["token"], page["epoch"]])).await;
    browser.when("it is kept", "return window.kept;", json!([])).await;
    browser.open(&server.url()).await;
    let page = Page { browser };
    for _ in 0..2 {
        page.is("ana").await;
        page.room_is_open("品茶").await;
        page.message("断线时写的").await;
        page.message_in_state("没发成", "failed").await;
        page.when_composed("写了一半").await;
        let once = page.messages().await.into_iter().filter(|message| message.text == "断线时写的").count();
        assert_eq!(once, 1);
        page.hidden("storage").await;
        page.browser.reload().await;
    }
    let mut witness = tcp::enter(&server, "witness").await;
    witness.enter("品茶").await;
    let expected = ["断线时写的", "挥挥手"].map(|text| ("ana".to_owned(), text.to_owned()));
    assert_eq!(witness.posts("品茶").await, expected);
}
