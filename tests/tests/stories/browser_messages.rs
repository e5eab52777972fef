//! What one can do with a message in the browser, and how it is shown.

use serde_json::json;
use teahouse_tests::browser::Browser;
use teahouse_tests::browser_scenes::server_with_long_room;
use teahouse_tests::page::{Page, testid};
use teahouse_tests::server::Server;
use teahouse_tests::tcp;

/// Catches what is put into the clipboard; the page is on the loopback, which counts as secure.
const CATCH_CLIPBOARD: &str = "
    Object.defineProperty(navigator, 'clipboard', { configurable: true, value: {
        writeText: text => { window.clipboardText = text; return Promise.resolve(); } } });";

async fn when(page: &Page, what: &str, script: &str) {
    page.browser.when(what, script, json!([])).await;
}

async fn clipboard(page: &Page) -> String {
    let text = page.browser.when("the clipboard has a text", "return window.clipboardText", json!([])).await;
    page.browser.run("window.clipboardText = null", json!([])).await;
    text.as_str().unwrap_or_default().to_owned()
}

/// Moves the mouse over the message of a text.
async fn point_at(page: &Page, text: &str) {
    let place = page
        .browser
        .run(
            "const row = [...document.querySelectorAll('[data-testid=message]')]
                 .find(row => row.querySelector('[data-testid=message-text]').textContent === arguments[0]);
             const box = row.getBoundingClientRect();
             return {x: box.x + box.width / 2, y: box.y + box.height / 2};",
            json!([text]),
        )
        .await;
    let event = json!({"type": "mouseMoved", "x": place["x"], "y": place["y"]});
    page.browser.devtools("Input.dispatchMouseEvent", event).await;
    page.visible("message-tools").await;
}

#[tokio::test]
async fn a_message_can_be_linked_copied_and_quoted() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    let seq = witness.post("lobby", "第一行\n第二行").await;
    let page = Page::enter(&server, "ana").await;
    page.speak("zh-CN").await;
    page.message("第一行\n第二行").await;
    page.browser.run(CATCH_CLIPBOARD, json!([])).await;
    let link = format!("{}#/room/lobby/{seq}", server.url());
    point_at(&page, "第一行\n第二行").await;
    page.browser.click(&testid("copy-link")).await;
    assert_eq!(clipboard(&page).await, link);
    page.visible("toast").await;
    page.browser.click(&testid("copy-text")).await;
    assert_eq!(clipboard(&page).await, "第一行\n第二行");
    page.browser.click("[data-testid=message] a.time").await;
    assert_eq!(clipboard(&page).await, link, "a time copies the link, and nothing jumps");
    page.browser.click(&testid("quote")).await;
    page.when_composed("> witness: 第一行\n> 第二行\n").await;
    when(&page, "the composer has the focus", "return document.activeElement.dataset.testid === 'composer'")
        .await;
    let title = page.browser.run("return document.querySelector('a.time').title", json!([])).await;
    assert!(title.as_str().is_some_and(|title| title.contains("年") && title.contains("星期")), "{title}");
    assert_eq!(page.complaints().await, [""; 0]);
}

#[tokio::test]
async fn messages_are_reached_by_keys_and_times_are_no_stops() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    for text in ["一", "二", "三"] {
        witness.post("lobby", text).await;
    }
    let page = Page::enter(&server, "ana").await;
    page.speak("zh-CN").await;
    page.message("三").await;
    page.browser.run("document.querySelector('[data-testid=timeline]').focus()", json!([])).await;
    let text = "return document.activeElement.querySelector('[data-testid=message-text]')?.textContent";
    for (key, code, expected) in
        [("ArrowUp", 38, "三"), ("ArrowUp", 38, "二"), ("ArrowUp", 38, "一"), ("ArrowDown", 40, "二")]
    {
        page.key(key, key, code, "").await;
        assert_eq!(page.browser.run(text, json!([])).await, json!(expected));
    }
    for expected in ["copy-link", "copy-text", "quote", "composer"] {
        page.key("Tab", "Tab", 9, "").await;
        let focused = page.browser.run("return document.activeElement.dataset.testid", json!([])).await;
        assert_eq!(focused, json!(expected));
    }
}

#[tokio::test]
async fn a_resting_finger_brings_the_tools() {
    let server = Server::start().await;
    let page = Page::open(Browser::start().await, &server).await;
    page.browser.resize(360, 740).await;
    page.browser.devtools("Emulation.setTouchEmulationEnabled", json!({"enabled": true})).await;
    page.choose_name("ana").await;
    page.say("按住我").await;
    page.message("按住我").await;
    let place = page
        .browser
        .run(
            "const box = document.querySelector('[data-testid=message-text]').getBoundingClientRect();
             return {x: box.x + 20, y: box.y + box.height / 2};",
            json!([]),
        )
        .await;
    let touch = |kind: &str, points: serde_json::Value| json!({"type": kind, "touchPoints": points});
    page.browser.devtools("Input.dispatchTouchEvent", touch("touchStart", json!([place]))).await;
    page.visible("message-tools").await;
    page.browser.devtools("Input.dispatchTouchEvent", touch("touchEnd", json!([]))).await;
    page.visible("message-tools").await;
    let size = page
        .browser
        .run("return document.querySelector('[data-testid=quote]').getBoundingClientRect().height", json!([]))
        .await;
    assert!(size.as_f64() >= Some(44.0), "{size} px for a finger");
    page.browser.click(&testid("quote")).await;
    page.when_composed("> ana: 按住我\n").await;
}

#[tokio::test]
async fn texts_are_shown_without_empty_edges_folded_when_long_and_emoji_large() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    let wall: String = (1..=60).map(|line| format!("第 {line} 行\n")).collect();
    for text in [&format!("\n\n{wall}\n\n"), "🍵", "说完了"] {
        witness.post("lobby", text).await;
    }
    witness.must("post", json!({"room": "lobby", "text": "倒茶", "action": true})).await;
    let page = Page::enter(&server, "ana").await;
    page.speak("zh-CN").await;
    let shown = page.messages().await;
    assert_eq!(shown[0].text, wall.trim_end());
    let heights =
        "return [...document.querySelectorAll('[data-testid=message]')].map(row => row.offsetHeight)";
    let before = page.browser.run(heights, json!([])).await;
    assert!(before[0].as_f64() < Some(600.0), "folded at 20 lines: {before}");
    assert!(before[1].as_f64() > before[2].as_f64(), "an emoji alone is large: {before}");
    page.browser.click(&testid("unfold")).await;
    when(
        &page,
        "the whole text is there",
        "return document.querySelector('[data-testid=message]').offsetHeight > 1000",
    )
    .await;
    page.hidden("unfold").await;
    let action = page
        .browser
        .run(
            "const rows = document.querySelectorAll('[data-testid=message]');
             return rows[rows.length - 1].innerText.split('witness').length - 1",
            json!([]),
        )
        .await;
    assert_eq!(action, json!(1), "who does something is named once");
}

#[tokio::test]
async fn home_and_end_are_the_ends_and_a_place_is_kept() {
    let server = server_with_long_room("长谈", 2_000).await;
    let mut witness = tcp::enter(&server, "witness").await;
    witness.post("lobby", "大堂").await;
    let page = Page::enter(&server, "ana").await;
    page.speak("zh-CN").await;
    page.go("#/room/长谈").await;
    page.browser.element("[data-testid=message][data-seq='2000']").await;
    let seen = |seq: u64| {
        format!(
            "const row = document.querySelector(\"[data-testid=message][data-seq='{seq}']\")?.getBoundingClientRect();
             const view = document.querySelector('[data-testid=timeline]').getBoundingClientRect();
             return row && row.bottom > view.top && row.top < view.bottom;"
        )
    };
    page.browser.run("document.querySelector('[data-testid=timeline]').focus()", json!([])).await;
    page.key("Home", "Home", 36, "").await;
    when(&page, "the oldest message is in view", &seen(2)).await;
    page.key("End", "End", 35, "").await;
    when(&page, "the newest message is in view", &seen(2_000)).await;

    let top = "
        const view = document.querySelector('[data-testid=timeline]').getBoundingClientRect();
        const row = [...document.querySelectorAll('[data-testid=message]')]
            .find(row => row.getBoundingClientRect().bottom > view.top);
        return {seq: row.dataset.seq, top: row.getBoundingClientRect().top};";
    page.browser
        .run(
            "document.querySelector('[data-testid=timeline]').scrollTop -= 900;
             return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));",
            json!([]),
        )
        .await;
    let before = page.browser.run(top, json!([])).await;
    page.switch_room("lobby").await;
    page.message("大堂").await;
    page.browser.run("history.back()", json!([])).await;
    page.browser
        .when(
            "the reader is where they were",
            &format!(
                "const now = (() => {{ {top} }})();
                 return now.seq === arguments[0].seq && Math.abs(now.top - arguments[0].top) < 3"
            ),
            json!([before]),
        )
        .await;
}

#[tokio::test]
async fn writing_outside_the_composer_goes_into_it() {
    let server = Server::start().await;
    let page = Page::enter(&server, "ana").await;
    page.speak("zh-CN").await;
    page.browser.run("document.querySelector('[data-testid=timeline]').focus()", json!([])).await;
    for (key, code) in [("h", "KeyH"), ("i", "KeyI")] {
        page.key(key, code, key.to_uppercase().as_bytes()[0].into(), key).await;
    }
    page.when_composed("hi").await;
}

#[tokio::test]
async fn a_mention_elsewhere_is_told_and_the_dots_are_grey_without_a_link() {
    let mut server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    let page = Page::enter(&server, "ana").await;
    page.speak("zh-CN").await;
    page.member("witness", true).await;
    page.create_room("品茶").await;
    witness.post("lobby", "ana 在吗").await;
    when(
        &page,
        "a screen reader is told",
        "return document.querySelector('[data-testid=announcer-elsewhere]').textContent === 'witness 在 lobby 提到你'",
    )
    .await;
    page.switch_room("lobby").await;
    page.member("witness", true).await;
    let dot = "return getComputedStyle(document.querySelector('[data-name=witness] .seal'), '::after').backgroundColor";
    let green = page.browser.run(dot, json!([])).await;
    server.stop().await;
    page.browser
        .when(
            "nobody is shown as here",
            &format!("return (() => {{ {dot} }})() !== arguments[0]"),
            json!([green]),
        )
        .await;
}
