//! No screen of the browser client has a barrier that axe-core knows of, in either theme and either language.

use serde_json::json;
use teahouse_tests::axe::Axe;
use teahouse_tests::browser::{Browser, Scheme};
use teahouse_tests::page::{Page, testid};
use teahouse_tests::server::Server;
use teahouse_tests::tcp;

use crate::browser_storage::FULL;

/// What is hard to show, each as a message.
const ODD_TEXTS: &[&str] = &[
    "```rust\nfn main() {\n    println!(\"a line that is longer than any window is wide, so that it has to scroll sideways, which has to work with the keyboard too\");\n}\n```",
    "看 `cargo run` 和 https://example.org/茶, @ana 你说呢",
    "\n\n前后有空行\n\n",
    "مرحبا بكم في بيت الشاي",
    "a\u{202e}b\u{1b}[2J <img src=x onerror=alert(1)>",
    "🍵",
    "oneverylongwordwithoutanybreakoneverylongwordwithoutanybreakoneverylongwordwithoutanybreakoneverylongwordwithoutanybreak",
];

struct Screens {
    axe: Axe,
    page: Page,
    found: Vec<String>,
}

impl Screens {
    /// Looks at the screen as it is, in both languages and both themes.
    async fn look(&mut self, name: &str) {
        let browser = &self.page.browser;
        for _ in ["zh", "en"] {
            for scheme in [Scheme::Light, Scheme::Dark] {
                browser.prefer(scheme).await;
                browser.still().await;
                let language = browser.run("return document.documentElement.lang", json!([])).await;
                for barrier in self.axe.barriers(browser).await {
                    self.found.push(format!("{name}, {language}, {scheme:?}: {barrier}"));
                }
            }
            switch_language(browser).await;
        }
    }
}

async fn switch_language(browser: &Browser) {
    let before = browser.run("return document.documentElement.lang", json!([])).await;
    // Also from under a dialog.
    browser.run("document.querySelector('[data-testid=lang-toggle]').click()", json!([])).await;
    browser
        .when(
            "the language is the other one",
            "return document.documentElement.lang !== arguments[0]",
            json!([before]),
        )
        .await;
}

#[tokio::test]
async fn no_screen_has_a_barrier() {
    let mut server = Server::with(&["--rooms-per-hour", "0", "--changes-per-minute", "0"]).await;
    let mut bo = tcp::enter(&server, "bo").await;
    for text in ["今天泡什么茶？", "我带了一点明前龙井。", "ana 来了吗？"] {
        bo.post("lobby", text).await;
    }
    bo.enter("杂记").await;
    for text in ODD_TEXTS {
        bo.post("杂记", text).await;
    }
    let marked = bo.post("杂记", "这一句有自己的地址").await;
    for number in 0..17 {
        bo.enter(&format!("项目-{number}")).await;
    }
    let mut kept = tcp::connect(&server).await;
    let auth = json!({"type": "guest", "name": "小明", "keep": true});
    kept.must("hello", json!({"protocol": 1, "auth": auth})).await;
    kept.must("join", json!({"room": "lobby"})).await;
    drop(kept);

    let page = Page::open(Browser::start().await, &server).await;
    page.browser.resize(1280, 800).await;
    let mut screens = Screens { axe: Axe::load(), page, found: Vec::new() };
    screens.look("welcome").await;

    screens.page.browser.type_into(&testid("name-input"), "a b").await;
    screens.page.browser.click(&testid("name-submit")).await;
    screens.page.browser.element("[data-testid=name-problem][data-problem=true]").await;
    screens.look("welcome with an error").await;

    screens.page.browser.element(&testid("name-input")).await.clear().await.expect("a field can be cleared");
    screens.page.choose_name("ana").await;
    screens.page.message("ana 来了吗？").await;
    screens.page.member("小明", false).await;
    screens.look("room").await;

    point_at(&screens.page, "[data-testid=member][data-name=小明]").await;
    screens.look("an away member under the pointer").await;
    point_at(&screens.page, "[data-testid=message] [data-testid=message-text]").await;
    screens.page.visible("message-tools").await;
    screens.look("a message under the pointer").await;

    screens.page.browser.click(&testid("room-menu-open")).await;
    screens.page.visible("leave-room").await;
    screens.look("room menu").await;
    screens.page.escape().await;
    screens.page.hidden("leave-room").await;

    screens.page.browser.click(&testid("browse-rooms")).await;
    screens.page.visible("room-filter").await;
    screens.look("browsing").await;
    screens.page.browser.type_into(&testid("room-filter"), "zzz").await;
    screens.look("browsing without a room found").await;
    screens.page.browser.click(&testid("browse-rooms")).await;

    screens.page.browser.click(&testid("create-room-open")).await;
    screens.page.visible("create-room-input").await;
    screens.look("a new room").await;
    screens.page.browser.click(&testid("create-room-submit")).await;
    screens.look("a new room without a name").await;
    screens.page.browser.click(&testid("create-room-open")).await;

    screens.page.browser.click(&testid("switcher-open")).await;
    screens.page.browser.type_into(&testid("switcher-input"), "项").await;
    screens.page.visible("switcher-make").await;
    screens.look("switcher").await;
    screens.page.browser.type_into(&testid("switcher-input"), "no room").await;
    screens.page.hidden("switcher-make").await;
    screens.look("switcher without a result").await;
    screens.page.escape().await;

    screens.page.browser.click(&testid("keys-open")).await;
    screens.look("keys").await;
    screens.page.escape().await;
    screens.page.browser.click(&testid("settings-open")).await;
    screens.page.visible("rename-input").await;
    screens.look("settings").await;
    screens.page.escape().await;
    screens.page.hidden("rename-input").await;

    screens.page.go("#/room/杂记").await;
    screens.page.message("这一句有自己的地址").await;
    screens.look("odd texts").await;
    screens.page.go(&format!("#/room/杂记/{marked}")).await;
    screens.page.browser.element("[data-marked=true]").await;
    screens.look("a linked message").await;

    screens.page.go("#/room/项目-3").await;
    screens.page.stands_outside("reader").await;
    screens.look("a room that is only read").await;
    screens.page.go("#/room/nowhere").await;
    screens.page.stands_outside("missing").await;
    screens.look("a room that there is not").await;

    screens.page.go("#/room/lobby").await;
    screens.page.message("今天泡什么茶？").await;
    screens.page.browser.resize(360, 740).await;
    screens.page.browser.click(&testid("rooms-toggle")).await;
    screens.page.visible("me").await;
    screens.look("the drawer of rooms on a phone").await;
    screens.page.escape().await;
    screens.page.hidden("me").await;
    screens.look("a room on a phone").await;
    screens.page.browser.click(&testid("members-toggle")).await;
    screens.page.visible("member").await;
    screens.look("the drawer of members on a phone").await;
    screens.page.escape().await;
    screens.page.hidden("member").await;
    screens.page.browser.resize(1280, 800).await;

    server.stop().await;
    screens.page.visible("banner").await;
    screens.page.say("断线时写的").await;
    screens.page.message_in_state("断线时写的", "queued").await;
    screens.look("offline").await;
    server.start_again().await;
    screens.page.browser.click(&testid("retry-now")).await;
    screens.page.online().await;

    screens.page.browser.before_load(FULL).await;
    screens.page.browser.reload().await;
    screens.page.is("ana").await;
    screens.page.visible("storage").await;
    screens.look("a browser that keeps nothing").await;

    screens.page.leave_room().await;
    screens.page.visible("undo-leave").await;
    screens.look("no room, and a way back").await;

    assert!(screens.found.is_empty(), "{} barriers:\n{}", screens.found.len(), screens.found.join("\n"));
}

async fn point_at(page: &Page, selector: &str) {
    let place = page
        .browser
        .run(
            "const box = document.querySelector(arguments[0]).getBoundingClientRect();
             return {x: box.x + box.width / 2, y: box.y + box.height / 2};",
            json!([selector]),
        )
        .await;
    let event = json!({"type": "mouseMoved", "x": place["x"], "y": place["y"]});
    page.browser.devtools("Input.dispatchMouseEvent", event).await;
}
