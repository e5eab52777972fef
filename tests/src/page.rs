//! The browser client as its user sees it: every element is found through its `data-testid`.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::programs;
use crate::server::Server;

/// A tab with the browser client in it.
#[derive(Debug)]
pub struct Page {
    /// The browser that the tab is in.
    pub browser: Browser,
}

/// A message in the timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownMessage {
    /// Its place in the room; missing while it is on its way.
    pub seq: Option<u64>,
    /// Who wrote it.
    pub by: String,
    /// What it says.
    pub text: String,
    /// `queued`, `sent`, `failed`, or `logged` once it is in the room's log.
    pub state: String,
}

/// The CSS selector of a test id.
pub fn testid(id: &str) -> String {
    format!("[data-testid=\"{id}\"]")
}

impl Page {
    /// Opens the client of this server, as somebody who has never been there.
    pub async fn open(browser: Browser, server: &Server) -> Self {
        programs::assert_browser_client();
        browser.open(&server.url()).await;
        let page = Self { browser };
        page.browser.element(&testid("name-input")).await;
        page
    }

    /// Opens the client in a new browser and chooses a name.
    pub async fn enter(server: &Server, name: &str) -> Self {
        let page = Self::open(Browser::start().await, server).await;
        page.choose_name(name).await;
        page
    }

    /// Chooses a name and waits until one can write.
    pub async fn choose_name(&self, name: &str) {
        self.browser.type_into(&testid("name-input"), name).await;
        self.browser.click(&testid("name-submit")).await;
        self.online().await;
    }

    /// Waits until the client is connected and one can write, or is told why not.
    pub async fn online(&self) {
        self.browser
            .when(
                "the client is online and one can write",
                "const c = document.querySelector('[data-testid=composer]');
                 const s = document.querySelector('[data-testid=connection]');
                 const told = document.querySelector('[data-testid=standing]');
                 return c && (!c.disabled || told) && s && s.dataset.state === 'online';",
                json!([]),
            )
            .await;
    }

    /// Writes a text into the composer as an input method does when it commits, in addition to what stands there.
    pub async fn write(&self, text: &str) {
        self.browser.run("document.querySelector('[data-testid=composer]').focus()", json!([])).await;
        self.browser.devtools("Input.insertText", json!({"text": text})).await;
    }

    /// Waits until the user has this name and one can write.
    pub async fn is(&self, name: &str) {
        self.online().await;
        self.browser
            .when(
                &format!("the user is {name}"),
                "return document.querySelector('[data-testid=me]')?.textContent === arguments[0];",
                json!([name]),
            )
            .await;
    }

    /// Waits until one cannot write in the open room, for this reason.
    pub async fn stands_outside(&self, state: &str) {
        self.browser
            .when(
                &format!("one is {state} in the open room"),
                "const s = document.querySelector('[data-testid=standing]');
                 const c = document.querySelector('[data-testid=composer]');
                 return s && s.dataset.state === arguments[0] && c.disabled;",
                json!([state]),
            )
            .await;
    }

    /// Asks in the settings to be called something else.
    pub async fn rename(&self, name: &str) {
        self.browser.click(&testid("settings-open")).await;
        let field = self.browser.element(&testid("rename-input")).await;
        field.clear().await.expect("a field can be cleared");
        self.browser.type_into(&testid("rename-input"), name).await;
        self.browser.click(&testid("rename-submit")).await;
    }

    /// Signs out, and says yes to the question.
    pub async fn sign_out(&self) {
        self.browser.click(&testid("settings-open")).await;
        self.browser.click(&testid("sign-out")).await;
        self.browser.click(&testid("sign-out-sure")).await;
    }

    /// Waits until the question before signing out says one of these, in whichever language.
    pub async fn question(&self, words: &[&str]) {
        self.browser
            .when(
                &format!("the question says one of {words:?}"),
                "const question = document.querySelector('[data-testid=sign-out-question]')?.textContent;
                 return question && [...arguments].some(words => question.includes(words));",
                json!(words),
            )
            .await;
    }

    /// Empties the composer as a keyboard does.
    pub async fn clear_composer(&self) {
        self.browser
            .run(
                "const composer = document.querySelector('[data-testid=composer]');
                 composer.focus();
                 composer.select();
                 document.execCommand('delete');",
                json!([]),
            )
            .await;
        self.when_composed("").await;
    }

    /// Chooses something from a list in the settings.
    pub async fn select(&self, id: &str, value: &str) {
        self.browser.element(&testid(id)).await;
        self.browser
            .run(
                "const list = document.querySelector(arguments[0]);
                 list.value = arguments[1];
                 list.dispatchEvent(new Event('change', { bubbles: true }));",
                json!([testid(id), value]),
            )
            .await;
    }

    /// Waits for a notice with one of these words in it, in whichever language. Answers whether it tells of something that
    /// went wrong.
    pub async fn notice(&self, words: &[&str]) -> bool {
        let kind = self
            .browser
            .when(
                &format!("a notice says one of {words:?}"),
                "const words = [...arguments];
                 return [...document.querySelectorAll('[data-testid=notice]')]
                     .find(notice => words.some(word => notice.textContent.includes(word)))?.dataset.kind;",
                json!(words),
            )
            .await;
        kind == "error"
    }

    /// Waits until the browser's title begins with this.
    pub async fn titled(&self, start: &str) {
        self.browser
            .when(
                &format!("the title begins with {start}"),
                "return document.title.startsWith(arguments[0]);",
                json!([start]),
            )
            .await;
    }

    /// What stands in the composer.
    pub async fn composed(&self) -> String {
        let script = "return document.querySelector('[data-testid=composer]').value";
        self.browser.run(script, json!([])).await.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until this stands in the composer.
    pub async fn when_composed(&self, text: &str) {
        self.browser
            .when(
                &format!("the composer holds {text:?}"),
                "return document.querySelector('[data-testid=composer]').value === arguments[0];",
                json!([text]),
            )
            .await;
    }

    /// Presses Enter on a real keyboard, with no input method in between.
    pub async fn press_enter(&self) {
        self.key("Enter", "Enter", 13, "\r").await;
    }

    /// Presses Escape.
    pub async fn escape(&self) {
        self.key("Escape", "Escape", 27, "").await;
    }

    /// Goes to another place of the page: the part of the address from its `#` on.
    pub async fn go(&self, hash: &str) {
        self.browser.run("location.hash = arguments[0]", json!([hash])).await;
    }

    /// Presses and releases a key.
    pub async fn key(&self, key: &str, code: &str, key_code: u32, text: &str) {
        let event = |kind: &str, text: &str| {
            json!({"type": kind, "key": key, "code": code, "text": text,
                   "windowsVirtualKeyCode": key_code, "nativeVirtualKeyCode": key_code})
        };
        let down = if text.is_empty() { "rawKeyDown" } else { "keyDown" };
        self.browser.devtools("Input.dispatchKeyEvent", event(down, text)).await;
        self.browser.devtools("Input.dispatchKeyEvent", event("keyUp", "")).await;
    }

    /// Writes and sends with Enter.
    pub async fn say(&self, text: &str) {
        self.write(text).await;
        self.when_composed(text).await;
        self.press_enter().await;
        self.when_composed("").await;
    }

    /// The messages that the timeline shows, from the top.
    pub async fn messages(&self) -> Vec<ShownMessage> {
        let shown = self.browser.run(&format!("{LIST} return list();"), json!([])).await;
        shown.as_array().expect("a list").iter().map(shown_message).collect()
    }

    /// Waits until the timeline shows a message of this text that is in the room's log.
    pub async fn message(&self, text: &str) -> ShownMessage {
        let script = format!("{LIST} return list().find(m => m.text === arguments[0] && m.seq !== null);");
        let what = format!("a message {text:.60?} is in the timeline");
        shown_message(&self.browser.when(&what, &script, json!([text])).await)
    }

    /// Waits until the timeline shows a message of this text in this state.
    pub async fn message_in_state(&self, text: &str, state: &str) -> ShownMessage {
        let script =
            format!("{LIST} return list().find(m => m.text === arguments[0] && m.state === arguments[1]);");
        let what = format!("a message {text:.60?} is {state} in the timeline");
        shown_message(&self.browser.when(&what, &script, json!([text, state])).await)
    }

    /// Makes a room and waits until it is the open one.
    pub async fn create_room(&self, room: &str) {
        self.browser.click(&testid("create-room-open")).await;
        self.browser.type_into(&testid("create-room-input"), room).await;
        self.browser.click(&testid("create-room-submit")).await;
        self.room_is_open(room).await;
    }

    /// Switches to a room and waits until it is the open one.
    pub async fn switch_room(&self, room: &str) {
        self.browser.click(&room_selector(room)).await;
        self.room_is_open(room).await;
    }

    /// Makes the page speak this language: `zh-CN` or `en`.
    pub async fn speak(&self, tag: &str) {
        self.browser
            .when(
                &format!("the page speaks {tag}"),
                "const right = document.documentElement.lang === arguments[0];
                 const toggle = document.querySelector('[data-testid=lang-toggle]');
                 if (!right) toggle?.click();
                 return toggle && right;",
                json!([tag]),
            )
            .await;
    }

    /// Shows the rooms that the user is no member of.
    pub async fn browse(&self) {
        self.browser.click("[data-testid=browse-rooms][aria-expanded=false]").await;
    }

    /// Joins the open room, or makes it, by the bar that says why one cannot write there; waits until the caret is in the
    /// composer.
    pub async fn join(&self) {
        self.browser.click(&testid("join")).await;
        self.hidden("standing").await;
        let focused = "return document.activeElement === document.querySelector('[data-testid=composer]');";
        self.browser.when("the caret is in the composer", focused, json!([])).await;
    }

    /// Leaves the open room.
    pub async fn leave_room(&self) {
        self.browser.click(&testid("room-menu-open")).await;
        self.browser.click(&testid("leave-room")).await;
    }

    /// Waits until a room is the open one.
    pub async fn room_is_open(&self, room: &str) {
        self.browser
            .when(
                &format!("the room {room} is open"),
                "const r = document.querySelector(arguments[0]);
                 return r && r.getAttribute('aria-current') && r.getAttribute('aria-current') !== 'false';",
                json!([room_selector(room)]),
            )
            .await;
    }

    /// Waits until the list of rooms counts so many unread messages in one of them.
    pub async fn unread(&self, room: &str, count: u64) {
        self.browser
            .when(
                &format!("{room} has {count} unread messages"),
                "const r = document.querySelector(arguments[0]);
                 return r && (r.dataset.unread || '0') === String(arguments[1]);",
                json!([room_selector(room), count]),
            )
            .await;
    }

    /// Waits until the list of members shows somebody as here or away.
    pub async fn member(&self, name: &str, online: bool) {
        self.browser
            .when(
                &format!("{name} is {}", if online { "here" } else { "away" }),
                "return [...document.querySelectorAll('[data-testid=member]')].some(m =>
                     m.dataset.name === arguments[0] && m.dataset.online === String(arguments[1]));",
                json!([name, online]),
            )
            .await;
    }

    /// Waits until an element is to be seen.
    pub async fn visible(&self, id: &str) {
        self.browser
            .when(
                &format!("{id} is to be seen"),
                "const e = document.querySelector(arguments[0]);
                 return e && e.getClientRects().length > 0 && getComputedStyle(e).visibility === 'visible';",
                json!([testid(id)]),
            )
            .await;
    }

    /// Waits until an element is not to be seen.
    pub async fn hidden(&self, id: &str) {
        self.browser
            .when(
                &format!("{id} is not to be seen"),
                "const e = document.querySelector(arguments[0]);
                 return !e || e.getClientRects().length === 0 || getComputedStyle(e).visibility !== 'visible';",
                json!([testid(id)]),
            )
            .await;
    }

    /// What the console complained about: everything but plain information.
    pub async fn complaints(&self) -> Vec<String> {
        let console = self.browser.console().await;
        console
            .into_iter()
            .filter(|(level, _)| level != "INFO" && level != "DEBUG")
            .map(|(_, text)| text)
            // trunk preloads with an integrity that Chromium checks only later, and says so.
            .filter(|text| !text.contains("`integrity` attribute is currently ignored for preload"))
            .collect()
    }
}

/// The CSS selector of a room in the list of rooms.
pub fn room_selector(room: &str) -> String {
    format!("[data-testid=\"room\"][data-room=\"{room}\"]")
}

const LIST: &str = "
    const list = () => [...document.querySelectorAll('[data-testid=timeline] [data-testid=message]')].map(m => ({
        seq: m.dataset.seq ? Number(m.dataset.seq) : null,
        by: m.dataset.by || '',
        state: m.dataset.state || '',
        text: m.querySelector('[data-testid=message-text]')?.textContent ?? '',
    }));";

fn shown_message(value: &Value) -> ShownMessage {
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    ShownMessage { seq: value["seq"].as_u64(), by: text("by"), text: text("text"), state: text("state") }
}
