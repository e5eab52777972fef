//! The list of rooms when there are many or none: leaving and coming back, browsing, filtering, mentions out of sight.

use serde_json::json;
use teahouse_tests::browser::Browser;
use teahouse_tests::client::Client;
use teahouse_tests::page::{Page, room_selector, testid};
use teahouse_tests::server::Server;
use teahouse_tests::tcp;

/// A server on which one may make rooms as fast as one likes.
async fn generous_server() -> Server {
    let any_number = ["--rooms-per-hour", "0", "--changes-per-minute", "0"];
    Server::with(&any_number).await
}

async fn many_rooms(server: &Server, count: usize) -> Client {
    let mut witness = tcp::enter(server, "witness").await;
    for number in 1..=count {
        witness.enter(&format!("项目-{number:02}")).await;
    }
    witness
}

async fn join(page: &Page, room: &str) {
    page.write(&format!("/join {room}")).await;
    page.press_enter().await;
    page.room_is_open(room).await;
    page.online().await;
}

async fn when(page: &Page, what: &str, script: &str) {
    page.browser.when(what, script, json!([])).await;
}

#[tokio::test]
async fn leaving_a_room_can_be_undone() {
    let server = Server::start().await;
    let page = Page::enter(&server, "ana").await;
    page.speak("zh-CN").await;
    page.create_room("品茶").await;
    page.say("第一句").await;
    page.message("第一句").await;
    page.leave_room().await;
    page.room_is_open("lobby").await;
    page.browser.click(&testid("undo-leave")).await;
    page.room_is_open("品茶").await;
    page.say("回来了").await;
    page.message("回来了").await;
    page.hidden("toast").await;
}

#[tokio::test]
async fn the_menu_of_a_room_is_worked_by_keys() {
    let server = Server::start().await;
    let page = Page::enter(&server, "ana").await;
    page.speak("zh-CN").await;
    page.browser.run("document.querySelector('[data-testid=room-menu-open]').focus()", json!([])).await;
    page.press_enter().await;
    when(
        &page,
        "the first item has the focus",
        "return document.activeElement.dataset.testid === 'copy-room-link'",
    )
    .await;
    page.key("ArrowDown", "ArrowDown", 40, "").await;
    when(&page, "the next has it", "return document.activeElement.dataset.testid === 'leave-room'").await;
    page.escape().await;
    when(
        &page,
        "the button has it again, and the menu is closed",
        "return document.activeElement.dataset.testid === 'room-menu-open'
             && document.activeElement.getAttribute('aria-expanded') === 'false'
             && !document.querySelector('#room-menu')",
    )
    .await;
    page.room_is_open("lobby").await;
}

#[tokio::test]
async fn without_a_room_the_rooms_are_the_page() {
    let server = Server::start().await;
    let page = Page::open(Browser::start().await, &server).await;
    page.browser.resize(360, 740).await;
    page.choose_name("ana").await;
    page.leave_room().await;
    page.visible("no-room").await;
    for gone in ["composer", "members-toggle", "room-menu-open"] {
        page.hidden(gone).await;
    }
    page.browser.click(&format!("#no-room {}", room_selector("lobby"))).await;
    page.hidden("no-room").await;
    when(
        &page,
        "it is the lobby",
        "return document.querySelector('[data-testid=room-title]').textContent === 'lobby'",
    )
    .await;
}

#[tokio::test]
async fn the_open_room_and_mentions_are_found_in_a_long_list() {
    let server = generous_server().await;
    let mut witness = many_rooms(&server, 40).await;
    let page = Page::enter(&server, "ana").await;
    page.speak("zh-CN").await;
    for number in [1, 2, 38, 39, 40].into_iter().chain(3..=37) {
        join(&page, &format!("项目-{number:02}")).await;
    }
    join(&page, "项目-40").await;
    let in_sight = "
        const list = document.querySelector('.rooms-scroll').getBoundingClientRect();
        const room = document.querySelector('[aria-current=page]').getBoundingClientRect();
        return room.top >= list.top && room.bottom <= list.bottom;";
    when(&page, "the open room is in sight", in_sight).await;
    page.browser.reload().await;
    page.online().await;
    when(&page, "it is in sight from the start", in_sight).await;

    witness.post("项目-01", "ana 看这里").await;
    when(
        &page,
        "a mention above the list's edge is pointed at",
        "return document.querySelector('[data-testid=mentions-beyond].up')?.textContent === '1 次提到你'",
    )
    .await;
    page.browser.click(&testid("mentions-beyond")).await;
    when(
        &page,
        "its room is in sight, and nothing points there any more",
        "const list = document.querySelector('.rooms-scroll').getBoundingClientRect();
         const room = document.querySelector('[data-room=项目-01]').getBoundingClientRect();
         return room.top >= list.top && room.bottom <= list.bottom
             && !document.querySelector('[data-testid=mentions-beyond]')",
    )
    .await;
    witness.post("项目-39", "ana 也看这里").await;
    when(
        &page,
        "a mention below is pointed at",
        "return document.querySelector('[data-testid=mentions-beyond].down')?.textContent === '1 次提到你'",
    )
    .await;

    // Letters, Chinese, and the first letters of pinyin choose.
    for (typed, left) in [("-07", "项目-07"), ("项目-3", "项目-30"), ("xm-2", "项目-20"), ("lob", "lobby")]
    {
        let field = page.browser.element(&testid("room-filter")).await;
        field.clear().await.expect("a field can be cleared");
        page.browser.type_into(&testid("room-filter"), typed).await;
        page.browser
            .when(
                &format!("{typed} chooses {left} first"),
                "const seen = [...document.querySelectorAll('#rooms [data-testid=room]')]
                     .filter(room => room.getClientRects().length > 0);
                 return seen.length < 20 && seen[0]?.dataset.room === arguments[0]",
                json!([left]),
            )
            .await;
    }
    page.press_enter().await;
    page.room_is_open("lobby").await;
}

#[tokio::test]
async fn the_switcher_finds_by_pinyin_counts_the_rest_and_makes_rooms() {
    let server = generous_server().await;
    let _witness = many_rooms(&server, 20).await;
    let page = Page::enter(&server, "ana").await;
    page.speak("zh-CN").await;
    page.create_room("品茶").await;
    page.create_room("上海话").await;
    page.write("/rooms").await;
    page.press_enter().await;
    page.visible("switcher-input").await;
    let options =
        "return [...document.querySelectorAll('[role=option]')].map(o => o.textContent.replace('#', ''))";
    for (typed, expected) in [("pc", "品茶"), ("shh", "上海话"), ("hai", ""), ("项目", "项目-01")] {
        page.browser.element(&testid("switcher-input")).await.clear().await.expect("a field can be cleared");
        page.browser.type_into(&testid("switcher-input"), typed).await;
        let script = format!(
            "const found = (() => {{ {options} }})();
             return arguments[0] ? found[0] === arguments[0] : found.length === 1 && found[0].includes('hai');"
        );
        page.browser.when(&format!("{typed} finds {expected}"), &script, json!([expected])).await;
    }
    when(
        &page,
        "what does not fit is counted",
        "return document.querySelector('[data-testid=switcher-rest]').textContent === '还有 8 个'",
    )
    .await;
    page.browser.element(&testid("switcher-input")).await.clear().await.expect("a field can be cleared");
    page.browser.type_into(&testid("switcher-input"), "新茶").await;
    when(
        &page,
        "the last line makes the room",
        "return document.querySelector('[data-testid=switcher-make]')?.textContent === '新建“新茶”'",
    )
    .await;
    page.press_enter().await;
    page.room_is_open("新茶").await;
    // Nothing found is nothing to choose from, for a screen reader too.
    page.browser.click(&testid("switcher-open")).await;
    page.browser.type_into(&testid("switcher-input"), "no such room").await;
    when(
        &page,
        "the field controls nothing",
        "const field = document.querySelector('[data-testid=switcher-input]');
         return field.getAttribute('aria-expanded') === 'false' && !field.hasAttribute('aria-activedescendant')
             && !field.hasAttribute('aria-controls') && !document.querySelector('[role=listbox]')",
    )
    .await;
}

#[tokio::test]
async fn other_rooms_are_folded_and_read_before_they_are_joined() {
    let server = generous_server().await;
    let mut witness = many_rooms(&server, 3).await;
    witness.post("项目-02", "这里说项目").await;
    let page = Page::enter(&server, "ana").await;
    page.speak("zh-CN").await;
    page.visible("browse-rooms").await;
    let folded =
        page.browser.run("return document.querySelectorAll('[data-joined=false]').length", json!([])).await;
    assert_eq!(folded, json!(0), "other rooms are not in the page before one asks for them");
    page.browse().await;
    page.switch_room("项目-02").await;
    page.message("这里说项目").await;
    page.stands_outside("reader").await;
    page.hidden("composer").await;
    let history = witness.whole_history("项目-02").await;
    assert!(!history.iter().any(|event| event["by"] == "ana"), "nobody is told of a reader");
    page.join().await;
    page.visible("composer").await;
    page.say("我也来").await;
    page.message("我也来").await;
}
