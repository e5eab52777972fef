//! Writing in the browser, with an input method and without.

use serde_json::json;
use teahouse_tests::page::Page;
use teahouse_tests::server::Server;
use teahouse_tests::tcp;

/// The Enter that an input method takes for itself, as Chromium reports it.
async fn enter_for_the_input_method(page: &Page) {
    let event = |kind: &str| json!({"type": kind, "key": "Process", "code": "Enter", "windowsVirtualKeyCode": 229, "nativeVirtualKeyCode": 13});
    page.browser.devtools("Input.dispatchKeyEvent", event("rawKeyDown")).await;
    page.browser.devtools("Input.dispatchKeyEvent", event("keyUp")).await;
}

async fn compose(page: &Page, text: &str) {
    let length = text.chars().count();
    page.browser
        .devtools(
            "Input.imeSetComposition",
            json!({"text": text, "selectionStart": length, "selectionEnd": length}),
        )
        .await;
}

/// Keydown of Enter as some browsers make it, with the marks of a composition given.
async fn dispatch_enter(page: &Page, before: &str, is_composing: bool, key_code: u32) {
    page.browser
        .run(
            "const composer = document.querySelector('[data-testid=composer]');
             composer.focus();
             if (arguments[0]) composer.dispatchEvent(new CompositionEvent(arguments[0], {bubbles: true, data: '茶'}));
             const down = new KeyboardEvent('keydown', {key: 'Enter', code: 'Enter', bubbles: true, cancelable: true,
                 isComposing: arguments[1], keyCode: arguments[2], which: arguments[2]});
             composer.dispatchEvent(down);",
            json!([before, is_composing, key_code]),
        )
        .await;
}

#[tokio::test]
async fn enter_during_composition_never_sends() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    let page = Page::enter(&server, "ana").await;

    // 1. A real composition of Chromium: n, ni, nihao; Enter takes the letters as they are.
    page.write("").await;
    for letters in ["n", "ni", "nihao"] {
        compose(&page, letters).await;
    }
    enter_for_the_input_method(&page).await;
    page.write("你好").await;
    page.when_composed("你好").await;

    // 2. Chromium and Firefox: keydown within the composition.
    dispatch_enter(&page, "compositionstart", true, 229).await;
    dispatch_enter(&page, "", true, 13).await;
    // 3. Safari: the composition ends just before the keydown, which knows only its key code.
    dispatch_enter(&page, "compositionend", false, 229).await;
    // 4. The same without even the key code, in the same tick.
    dispatch_enter(&page, "compositionstart", false, 0).await;
    dispatch_enter(&page, "compositionend", false, 13).await;
    page.when_composed("你好").await;

    // The next Enter is the user's own.
    page.browser.run("return new Promise(done => setTimeout(done, 0))", json!([])).await;
    page.press_enter().await;
    page.when_composed("").await;
    assert_eq!(witness.post_event("lobby").await, ("ana".to_owned(), "你好".to_owned()));
    page.say("完").await;
    assert_eq!(witness.post_event("lobby").await.1, "完", "nothing was sent in between");
    assert_eq!(page.complaints().await, [""; 0]);
}

#[tokio::test]
async fn shift_enter_makes_a_new_line() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    let page = Page::enter(&server, "ana").await;
    page.write("第一行").await;
    let shift = |kind: &str, text: &str| {
        json!({"type": kind, "key": "Enter", "code": "Enter", "text": text, "modifiers": 8,
               "windowsVirtualKeyCode": 13, "nativeVirtualKeyCode": 13})
    };
    page.browser.devtools("Input.dispatchKeyEvent", shift("keyDown", "\r")).await;
    page.browser.devtools("Input.dispatchKeyEvent", shift("keyUp", "")).await;
    page.write("第二行").await;
    page.when_composed("第一行\n第二行").await;
    page.press_enter().await;
    assert_eq!(witness.post_event("lobby").await.1, "第一行\n第二行");
}

#[tokio::test]
async fn the_send_button_sends_and_nothing_empty_is_sent() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    let page = Page::enter(&server, "ana").await;
    page.press_enter().await;
    page.write("   ").await;
    page.press_enter().await;
    page.browser
        .run("const c = document.querySelector('[data-testid=composer]'); c.focus(); c.select();", json!([]))
        .await;
    page.write("用按钮").await;
    page.when_composed("用按钮").await;
    page.browser.click(&teahouse_tests::page::testid("send")).await;
    page.when_composed("").await;
    assert_eq!(witness.post_event("lobby").await.1, "用按钮");
    assert_eq!(witness.posts("lobby").await.len(), 1);
}

#[tokio::test]
async fn commands_are_done_and_never_posted() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    let page = Page::enter(&server, "ana").await;
    page.write("/dance now").await;
    page.press_enter().await;
    page.when_composed("/dance now").await;
    page.browser.run("document.querySelector('[data-testid=composer]').select()", json!([])).await;
    page.write("//不是命令").await;
    page.press_enter().await;
    assert_eq!(witness.post_event("lobby").await.1, "/不是命令", "an unknown command was not posted");
    page.say("/join 品茶").await;
    page.room_is_open("品茶").await;
    page.say("/me 倒茶").await;
    let mut event = serde_json::Value::Null;
    while event.is_null() {
        witness.enter("品茶").await;
        let history = witness.whole_history("品茶").await;
        if let Some(post) = history.iter().find(|event| event["kind"] == "post") {
            event = post.clone();
        } else {
            event = witness.event("品茶", "post").await;
        }
    }
    assert_eq!((&event["text"], &event["action"]), (&json!("倒茶"), &json!(true)), "{event}");
}

#[tokio::test]
async fn harmful_characters_are_shown_harmlessly() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    let page = Page::enter(&server, "ana").await;
    witness.post("lobby", "<img src=x onerror=alert(1)>").await;
    page.message("<img src=x onerror=alert(1)>").await;
    witness.post("lobby", "危险\u{202e}\u{1b}[0m").await;
    witness.post("lobby", "之后").await;
    page.message("之后").await;
    let shown = page.messages().await;
    let text = &shown[shown.len() - 2].text;
    assert!(text.contains("危险") && !text.contains('\u{202e}') && !text.contains('\u{1b}'), "{text:?}");
    assert_eq!(page.complaints().await, [""; 0]);
}
