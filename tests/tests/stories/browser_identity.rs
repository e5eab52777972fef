//! Who one is in the browser client: other names, signing out, and what the page says when something of it fails.

use serde_json::json;
use teahouse_tests::browser::Browser;
use teahouse_tests::page::{Page, testid};
use teahouse_tests::server::Server;
use teahouse_tests::tcp;

#[tokio::test]
async fn signing_out_asks_first_and_gives_the_name_back() {
    let mut server = Server::start().await;
    let page = Page::enter(&server, "ana").await;
    page.create_room("第二间").await;
    page.browser.click(&testid("settings-open")).await;
    page.browser.click(&testid("sign-out")).await;
    page.question(&["名字就空出来了", "the name is free again"]).await;
    page.escape().await;
    page.online().await;
    page.sign_out().await;
    page.visible("name-input").await;
    // It is free for everybody, and at once for who had it.
    page.choose_name("ana").await;
    page.sign_out().await;
    page.visible("name-input").await;
    page.choose_name("bo").await;
    let mut somebody = tcp::connect(&server).await;
    let auth = json!({"type": "guest", "name": "ana", "keep": true});
    somebody.must("hello", json!({"protocol": 1, "auth": auth})).await;

    // What would be lost is counted, in whichever tab it was written.
    let first = page.browser.tab().await;
    page.browser.open_tab(&server.url()).await;
    page.is("bo").await;
    server.stop().await;
    page.visible("banner").await;
    page.say("没发出").await;
    page.message_in_state("没发出", "queued").await;
    page.browser.go_to_tab(first).await;
    page.visible("banner").await;
    page.browser.click(&testid("settings-open")).await;
    page.browser.click(&testid("sign-out")).await;
    page.question(&["1 条没发出的消息", "1 unsent message "]).await;
    page.question(&["没有连接", "no connection"]).await;
}

#[tokio::test]
async fn a_taken_name_keeps_the_settings_open_and_the_field_full() {
    let server = Server::start().await;
    let _bo = tcp::enter(&server, "bo").await;
    let page = Page::enter(&server, "ana").await;
    page.rename("bo").await;
    page.browser
        .when(
            "the reason stands under the field, and the name in it",
            "const problem = document.querySelector('[data-testid=rename-problem]');
             return problem?.textContent.includes('bo')
                 && document.querySelector('[data-testid=rename-input]').value === 'bo';",
            json!([]),
        )
        .await;
    page.hidden("notice").await;
    page.escape().await;
    page.is("ana").await;

    page.sign_out().await;
    page.browser.type_into(&testid("name-input"), "bo").await;
    page.browser.click(&testid("name-submit")).await;
    page.browser
        .when(
            "the page says that it is taken, and keeps it in the field",
            "const field = document.querySelector('[data-testid=name-input]');
             return field?.getAttribute('aria-invalid') === 'true' && field.value === 'bo';",
            json!([]),
        )
        .await;
}

#[tokio::test]
async fn a_notice_says_what_it_is_about_and_goes_with_its_text() {
    let server = Server::start().await;
    let page = Page::enter(&server, "ana").await;
    let refused = |text: &'static str, words: &'static [&'static str]| {
        let page = &page;
        async move {
            page.clear_composer().await;
            page.write(text).await;
            page.press_enter().await;
            assert!(page.notice(words).await, "{text} is an error");
        }
    };
    refused("/dance", &["/dance"]).await;
    refused("/join a b", &["空格", "spaces"]).await;
    refused("/name x,y", &["“,”"]).await;
    // They go with the text that they are about.
    page.clear_composer().await;
    page.hidden("notice").await;
    page.write("/who").await;
    page.press_enter().await;
    assert!(!page.notice(&["在座", " here: "]).await, "an answer is no error");
}

#[tokio::test]
async fn what_is_discarded_can_be_had_back() {
    let mut server = Server::start().await;
    let page = Page::enter(&server, "ana").await;
    server.stop().await;
    page.visible("banner").await;
    page.say("想了很久的话").await;
    page.message_in_state("想了很久的话", "queued").await;
    page.browser.click(&testid("discard")).await;
    page.when_composed("想了很久的话").await;
    let focused = "return document.activeElement === document.querySelector('[data-testid=composer]');";
    page.browser.when("the caret is in the composer", focused, json!([])).await;
    page.press_enter().await;
    page.message_in_state("想了很久的话", "queued").await;
    page.write("别的话").await;
    page.browser.click(&testid("discard")).await;
    page.browser.click(&testid("undo")).await;
    page.message_in_state("想了很久的话", "queued").await;
    page.when_composed("别的话").await;
}

#[tokio::test]
async fn a_file_is_refused_in_words_and_nothing_is_left_for_it() {
    let server = Server::start().await;
    let page = Page::enter(&server, "ana").await;
    page.write("写了一半").await;
    let taken = |kind: &'static str, make: &'static str| {
        let page = &page;
        async move {
            let script = format!(
                "const data = new DataTransfer();
                 data.items.add(new File(['x'], 'x.png', {{ type: 'image/png' }}));
                 const at = document.querySelector('[data-testid=composer]');
                 const event = {make};
                 at.dispatchEvent(event);
                 return event.defaultPrevented;"
            );
            assert_eq!(page.browser.run(&script, json!([])).await, true, "{kind}");
        }
    };
    let drag = "new DragEvent('dragover', { bubbles: true, cancelable: true, dataTransfer: data })";
    taken("dragover", drag).await;
    taken("drop", "new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: data })").await;
    assert!(page.notice(&["文件", "Files"]).await);
    let paste = "new ClipboardEvent('paste', { bubbles: true, cancelable: true, clipboardData: data })";
    taken("paste", paste).await;
    page.when_composed("写了一半").await;
    // Words are pasted and dropped as always.
    let words = "const data = new DataTransfer();
        data.setData('text/plain', 'words');
        const event = new ClipboardEvent('paste', { bubbles: true, cancelable: true, clipboardData: data });
        document.querySelector('[data-testid=composer]').dispatchEvent(event);
        return event.defaultPrevented;";
    assert_eq!(page.browser.run(words, json!([])).await, false);
}

#[tokio::test]
async fn a_link_to_a_room_is_read_and_one_to_no_room_says_so() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    witness.enter("品茶").await;
    witness.post("品茶", "今天喝什么").await;
    let before = witness.whole_history("品茶").await.len();
    let browser = Browser::start().await;
    browser.open(&format!("{}#/room/品茶", server.url())).await;
    let page = Page { browser };
    page.browser.type_into(&testid("name-input"), "ana").await;
    page.browser.click(&testid("name-submit")).await;
    page.stands_outside("reader").await;
    page.message("今天喝什么").await;
    witness.post("品茶", "龙井").await;
    page.message("龙井").await;
    assert_eq!(witness.whole_history("品茶").await.len(), before + 1, "nobody is told of a reader");
    page.join().await;
    page.say("好").await;
    page.message("好").await;

    page.go("#/room/nowhere").await;
    page.stands_outside("missing").await;
    page.join().await;
    page.say("现在有了").await;
    page.message("现在有了").await;
}

/// Another tab signs out, and this page hears of it.
const SIGNED_OUT_ELSEWHERE: &str = "
    const open = indexedDB.open('teahouse');
    open.onsuccess = () => {
        const transaction = open.result.transaction('values', 'readwrite');
        transaction.objectStore('values').delete('identity');
        transaction.oncomplete = () => {
            open.result.close();
            new BroadcastChannel('teahouse.store').postMessage(['kept', 'identity']);
        };
    };";

#[tokio::test]
async fn whatever_has_the_focus_or_scrolls_may_be_taken_away() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    for number in 0..60 {
        witness.post("lobby", &format!("第 {number} 句")).await;
    }
    let page = Page::enter(&server, "ana").await;
    for focused in [
        "[data-testid=composer]",
        "[data-testid=room-menu-open]",
        "[data-testid=timeline]",
        "[data-testid=message]",
        "[data-testid=room]",
    ] {
        page.message("第 59 句").await;
        page.browser
            .run(
                "[...document.querySelectorAll(arguments[0])].at(-1).focus();
                 const view = document.querySelector('[data-testid=timeline]');
                 const scroll = () => {
                     view.scrollTop += view.scrollTop % 2 ? 1 : -1;
                     if (view.isConnected) requestAnimationFrame(scroll);
                 };
                 scroll();",
                json!([focused]),
            )
            .await;
        page.browser.run(SIGNED_OUT_ELSEWHERE, json!([])).await;
        page.visible("name-input").await;
        // What the browser still had to tell has been told two frames later.
        page.browser
            .run(
                "return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))));",
                json!([]),
            )
            .await;
        let crash =
            page.browser.run("return document.getElementById('crash-detail').textContent", json!([])).await;
        assert_eq!(crash, "", "with the focus in {focused}");
        page.choose_name("ana").await;
    }
    assert_eq!(page.complaints().await, [""; 0]);
}
