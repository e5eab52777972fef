//! Scratch: pictures of all screens.

use serde_json::json;
use teahouse_tests::browser::{Browser, Scheme};
use teahouse_tests::page::{Page, testid};
use teahouse_tests::server::Server;
use teahouse_tests::tcp;

async fn shoot(page: &Page, name: &str) {
    let width = page.browser.run("return innerWidth", json!([])).await;
    let lang = page.browser.run("return document.documentElement.lang.slice(0, 2)", json!([])).await;
    for scheme in [Scheme::Light, Scheme::Dark] {
        // Light in Chinese, dark in English is enough for eyes; both for a few.
        page.browser.prefer(scheme).await;
        let name = format!("eyes-{width}-{}-{}-{name}", lang.as_str().unwrap(), format!("{scheme:?}").to_lowercase());
        page.browser.screenshot(&name).await;
    }
}

async fn point_at(page: &Page, selector: &str) {
    let place = page
        .browser
        .run(
            "const box = [...document.querySelectorAll(arguments[0])].at(-1).getBoundingClientRect();
             return {x: box.x + box.width / 2, y: box.y + box.height / 2};",
            json!([selector]),
        )
        .await;
    let event = json!({"type": "mouseMoved", "x": place["x"], "y": place["y"]});
    page.browser.devtools("Input.dispatchMouseEvent", event).await;
}

async fn all(width: u32, height: u32, lang: &str) {
    let mut server = Server::with(&["--unlimited"]).await;
    let mut bo = tcp::enter(&server, "bo").await;
    let mut zhou = tcp::enter(&server, "周瑜").await;
    let _long = tcp::enter(&server, "a-very-long-name-of-thirty-two-c").await;
    for text in [
        "今天泡什么茶？", "我带了一点明前龙井 🍵", "```rust\nfn main() {\n    println!(\"a line that is longer than any window is wide, so that it has to scroll sideways, which has to work\");\n}\n```\n好不好？",
        "See https://example.org/tea/water?temperature=80 and `cargo run`", "🍵", "@ana 你说呢，@周瑜 也说说", "مرحبا بكم في بيت الشاي",
        "oneverylongwordwithoutanybreakoneverylongwordwithoutanybreakoneverylongwordwithoutanybreakoneverylongword",
        &"一行\n".repeat(26),
    ] {
        zhou.post("lobby", text).await;
        zhou.post("lobby", "嗯").await;
    }
    bo.enter("品茶").await;
    bo.post("品茶", "今天喝什么").await;
    bo.enter("a-room-with-a-long-name-of-32-ch").await;
    for n in 0..18 { bo.enter(&format!("项目-{n}")).await; }
    let page = Page::open(Browser::start().await, &server).await;
    let narrow = width < 700;
    page.browser.resize(width, height).await;
    page.speak(lang).await;
    shoot(&page, "01-welcome").await;
    page.browser.type_into(&testid("name-input"), "a b").await;
    page.browser.click(&testid("name-submit")).await;
    page.browser.element("[data-testid=name-problem][data-problem=true]").await;
    shoot(&page, "02-welcome-error").await;
    page.browser.element(&testid("name-input")).await.clear().await.expect("clear");
    page.choose_name("ana").await;
    page.message("嗯").await;
    shoot(&page, "03-room").await;
    page.browser.run("document.querySelector('[data-testid=code-block]').scrollIntoView({block:'center'})", json!([])).await;
    point_at(&page, "[data-testid=message]").await;
    shoot(&page, "04-code").await;
    point_at(&page, "[data-testid=code-block] pre").await;
    page.visible("message-tools").await;
    shoot(&page, "05-tools").await;
    page.escape().await;
    page.browser.click(&testid("room-menu-open")).await;
    page.visible("leave-room").await;
    shoot(&page, "06-room-menu").await;
    page.escape().await;
    page.browser.run("document.dispatchEvent(new KeyboardEvent('keydown', {key:'k', ctrlKey:true, bubbles:true}))", json!([])).await;
    page.visible("switcher-input").await;
    page.browser.type_into(&testid("switcher-input"), "项").await;
    page.visible("switcher-make").await;
    shoot(&page, "07-switcher").await;
    page.escape().await;
    page.hidden("switcher-input").await;
    page.clear_composer().await;
    page.write("/dance").await;
    page.press_enter().await;
    page.visible("notice").await;
    shoot(&page, "08-notice").await;
    page.clear_composer().await;
    page.write("看看 @").await;
    page.visible("offered").await;
    shoot(&page, "09-offer").await;
    page.clear_composer().await;
    if narrow { page.browser.click(&testid("rooms-toggle")).await; page.visible("me").await; shoot(&page, "10-rooms-drawer").await; }
    page.browser.click(&testid("browse-rooms")).await;
    page.visible("room-filter").await;
    shoot(&page, "11-browse").await;
    page.browser.click(&testid("browse-rooms")).await;
    page.browser.click(&testid("create-room-open")).await;
    page.browser.type_into(&testid("create-room-input"), "a b").await;
    page.browser.click(&testid("create-room-submit")).await;
    shoot(&page, "12-create").await;
    page.browser.click(&testid("create-room-open")).await;
    page.browser.click(&testid("settings-open")).await;
    page.visible("rename-input").await;
    shoot(&page, "13-settings").await;
    page.browser.click(&testid("sign-out")).await;
    page.visible("sign-out-question").await;
    shoot(&page, "14-sign-out").await;
    page.escape().await;
    if narrow { page.escape().await; page.hidden("me").await; }
    if narrow { page.browser.click(&testid("members-toggle")).await; page.visible("member").await; shoot(&page, "15-members").await; page.escape().await; page.hidden("member").await; }
    page.go("#/room/品茶").await;
    page.stands_outside("reader").await;
    page.message("今天喝什么").await;
    shoot(&page, "16-reader").await;
    page.go("#/room/nowhere").await;
    page.stands_outside("missing").await;
    shoot(&page, "17-missing").await;
    page.go("#/room/a-room-with-a-long-name-of-32-ch").await;
    page.stands_outside("reader").await;
    shoot(&page, "18-long-name").await;
    page.go("#/room/lobby").await;
    page.message("嗯").await;
    server.stop().await;
    page.visible("banner").await;
    page.say("断线时写的").await;
    page.message_in_state("断线时写的", "queued").await;
    shoot(&page, "19-offline").await;
    server.start_again().await;
    page.browser.click(&testid("retry-now")).await;
    page.message_in_state("断线时写的", "logged").await;
    page.browser.before_load(crate::browser_storage::FULL).await;
    page.browser.reload().await;
    page.is("ana").await;
    page.visible("storage").await;
    shoot(&page, "20-storage").await;
    page.leave_room().await;
    page.visible("undo-leave").await;
    shoot(&page, "21-no-room").await;
    if !narrow { page.browser.click(&testid("keys-open")).await; shoot(&page, "22-keys").await; }
}

#[tokio::test]
async fn wide_zh() { all(1440, 900, "zh-CN").await; }
#[tokio::test]
async fn wide_en() { all(1440, 900, "en").await; }
#[tokio::test]
async fn narrow_zh() { all(360, 740, "zh-CN").await; }
#[tokio::test]
async fn narrow_en() { all(360, 740, "en").await; }
