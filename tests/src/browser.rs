//! Real Chromium without a window.

use std::path::PathBuf;

use base64::Engine as _;
use fantoccini::elements::Element;
use fantoccini::wd::WindowHandle;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::driver::{Driver, Extension, capabilities};
use crate::programs;
use crate::wait::{DEADLINE, within};

/// Chromium is heavy: so many run at a time, whatever the number of stories.
static PLACES: Semaphore = Semaphore::const_new(2);

/// A browser with one tab and a profile of its own.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    driver: Driver,
    session: String,
    profile: TempDir,
    _place: SemaphorePermit<'static>,
}

/// The colour scheme that the user prefers.
#[derive(Debug, Clone, Copy)]
pub enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Browser {
    /// Starts a browser.
    pub async fn start() -> Self {
        let place = PLACES.acquire().await.expect("never closed");
        Self::in_place(place).await
    }

    /// Starts two. A story that needs two must take both at once, or two such stories would wait for each other.
    pub async fn pair() -> (Self, Self) {
        let mut places = PLACES.acquire_many(2).await.expect("never closed");
        let second = places.split(1).expect("two were taken");
        tokio::join!(Self::in_place(places), Self::in_place(second))
    }

    async fn in_place(place: SemaphorePermit<'static>) -> Self {
        let driver = Driver::start().await;
        let profile = TempDir::new().expect("a temporary folder");
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities(profile.path()));
        let url = driver.url();
        let client = within("a browser", builder.connect(&url)).await.expect("chromedriver starts Chromium");
        let session = client.session_id().await.expect("a session").expect("a session has an id");
        Self { client, driver, session, profile, _place: place }
    }

    /// Opens an address and waits until the page is loaded.
    pub async fn open(&self, url: &str) {
        within("the page to load", self.client.goto(url)).await.expect("the page loads");
    }

    /// The tab that everything here is about.
    pub async fn tab(&self) -> WindowHandle {
        within("the tab", self.client.window()).await.expect("the browser knows its tab")
    }

    /// Opens an address in a further tab of the same browser, and goes there.
    pub async fn open_tab(&self, url: &str) {
        let tab = within("a tab", self.client.new_window(true)).await.expect("a tab opens");
        self.go_to_tab(tab.handle).await;
        self.open(url).await;
    }

    /// Goes to another tab.
    pub async fn go_to_tab(&self, tab: WindowHandle) {
        within("the tab to come", self.client.switch_to_window(tab)).await.expect("the tab is there");
    }

    /// Closes the tab and goes to another one.
    pub async fn close_tab(&self, next: WindowHandle) {
        within("the tab to close", self.client.close_window()).await.expect("the tab closes");
        self.go_to_tab(next).await;
    }

    /// Loads the page again.
    pub async fn reload(&self) {
        within("the page to load again", self.client.refresh()).await.expect("the page loads again");
    }

    /// Waits for an element.
    pub async fn element(&self, selector: &str) -> Element {
        let found = self.client.wait().at_most(DEADLINE).for_element(Locator::Css(selector)).await;
        found.unwrap_or_else(|error| panic!("no element {selector}: {error}"))
    }

    /// Clicks an element once it is there.
    pub async fn click(&self, selector: &str) {
        // A page that is being rebuilt may replace the element between finding and clicking it, and a drawer that comes in
        // has it elsewhere.
        self.when(
            &format!("{selector} can be clicked"),
            "const e = document.querySelector(arguments[0]);
             const moves = document.getAnimations().some(
                 a => a instanceof CSSTransition && a.transitionProperty === 'transform' && a.playState === 'running');
             return e && !moves && !e.disabled && e.getClientRects().length > 0;",
            json!([selector]),
        )
        .await;
        // It may have been replaced since.
        let clicked = async {
            loop {
                match self.element(selector).await.click().await {
                    Err(error) if error.is_stale_element_reference() => {}
                    clicked => return clicked,
                }
            }
        };
        let clicked = within(&format!("a click on {selector}"), clicked).await;
        clicked.unwrap_or_else(|error| panic!("cannot click {selector}: {error}"));
    }

    /// Types into an element as a keyboard does, after what it holds already.
    pub async fn type_into(&self, selector: &str, text: &str) {
        let typed = self.element(selector).await.send_keys(text).await;
        typed.unwrap_or_else(|error| panic!("cannot type into {selector}: {error}"));
    }

    /// Runs the body of a JavaScript function in the page.
    pub async fn run(&self, body: &str, arguments: Value) -> Value {
        let arguments = arguments.as_array().cloned().unwrap_or_default();
        let result = within("the script", self.client.execute(body, arguments)).await;
        result.unwrap_or_else(|error| panic!("{error} in {body}"))
    }

    /// Waits in the browser, frame by frame, until the body of a JavaScript function returns something true. Gives
    /// that value.
    pub async fn when(&self, what: &str, body: &str, arguments: Value) -> Value {
        const WAIT: &str = "
            const [body, list, patience, done] = arguments;
            const check = new Function(body), start = performance.now();
            (function look() {
                let value;
                try { value = check.apply(null, list); } catch (error) { value = null; }
                if (value) done({value});
                else if (performance.now() - start > patience) done({});
                else requestAnimationFrame(look);
            })();";
        // Not `new Function` where the page's policy forbids it: the body is put into the script itself.
        let script = WAIT.replace("new Function(body)", &format!("function () {{ {body} }}"));
        let patience = DEADLINE.as_millis() as u64 - 5_000;
        let arguments = vec![Value::Null, arguments, json!(patience)];
        let answer = within(what, self.client.execute_async(&script, arguments)).await;
        let mut answer = answer.unwrap_or_else(|error| panic!("while waiting until {what}: {error}"));
        match answer.get_mut("value") {
            Some(value) => value.take(),
            None => panic!("waited in vain until {what}"),
        }
    }

    /// A command of the DevTools protocol.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let answer = within(command, self.client.issue_cmd(Extension::devtools(command, &parameters))).await;
        answer.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// Where the whole browser, not this tab alone, takes commands of the DevTools protocol.
    pub(crate) fn devtools_url(&self) -> String {
        let text = std::fs::read_to_string(self.profile.path().join("DevToolsActivePort"))
            .expect("Chromium writes it");
        let mut lines = text.lines();
        let (port, path) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        format!("ws://127.0.0.1:{port}{path}")
    }

    /// What the console said since it was asked last: level and text.
    pub async fn console(&self) -> Vec<(String, String)> {
        let entries = self.client.issue_cmd(Extension::console()).await.expect("chromedriver has a console");
        let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let entries = entries.as_array().cloned().unwrap_or_default();
        entries.iter().map(|entry| (text(entry, "level"), text(entry, "message"))).collect()
    }

    /// Runs a script in this tab from the next page on, before any of the page's own.
    pub async fn before_load(&self, script: &str) {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await;
    }

    /// Makes the page's area so large, in CSS pixels.
    pub async fn resize(&self, width: u32, height: u32) {
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}),
        )
        .await;
        self.when("the page has its new size", "return innerWidth === arguments[0];", json!([width])).await;
    }

    /// Makes the user prefer a colour scheme.
    pub async fn prefer(&self, scheme: Scheme) {
        let name = match scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        let features = json!([{"name": "prefers-color-scheme", "value": name}]);
        self.devtools("Emulation.setEmulatedMedia", json!({"features": features})).await;
        self.when(
            "the page knows the colour scheme",
            "return matchMedia(`(prefers-color-scheme: ${arguments[0]})`).matches;",
            json!([name]),
        )
        .await;
    }

    /// Waits until nothing moves that will come to rest.
    pub async fn still(&self) {
        self.when(
            "nothing moves that will come to rest",
            "return document.getAnimations().every(animation => animation.playState !== 'running'
                 || animation.effect.getComputedTiming().iterations === Infinity);",
            json!([]),
        )
        .await;
    }

    /// Saves what the page looks like, once nothing moves any more, as `target/screenshots/NAME.png`.
    pub async fn screenshot(&self, name: &str) -> PathBuf {
        self.still().await;
        let bytes = within("a screenshot", self.client.screenshot()).await.expect("a screenshot");
        save_screenshot(name, &bytes)
    }
}

fn save_screenshot(name: &str, bytes: &[u8]) -> PathBuf {
    let folder = programs::repository().join("target/screenshots");
    std::fs::create_dir_all(&folder).expect("target can be written");
    let file = folder.join(format!("{name}.png"));
    std::fs::write(&file, bytes).expect("target can be written");
    file
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let log = self.driver.command_now(&self.session, "POST", "se/log", r#"{"type":"browser"}"#);
        eprintln!("── the browser's console ──");
        for entry in log.as_ref().and_then(Value::as_array).into_iter().flatten() {
            eprintln!("{}: {}", entry["level"], entry["message"]);
        }
        let picture = self.driver.command_now(&self.session, "GET", "screenshot", "");
        let picture = picture.as_ref().and_then(Value::as_str);
        if let Some(Ok(bytes)) = picture.map(|text| base64::engine::general_purpose::STANDARD.decode(text)) {
            let name = std::thread::current().name().unwrap_or("story").replace("::", "-");
            eprintln!(
                "── it looked like {} ──",
                save_screenshot(&format!("failed-{name}"), &bytes).display()
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page that writes down the events of its text field.
    const PAGE: &str = "data:text/html,<meta charset=utf-8><textarea id=t></textarea><script>\
        window.log=[];for(const k of ['compositionstart','compositionend','keydown','input'])\
        t.addEventListener(k,e=>log.push([k,e.isComposing,e.keyCode,t.value]));t.focus();console.error('oh')</script>";

    #[tokio::test]
    async fn a_browser_composes_waits_and_tells() {
        let browser = Browser::start().await;
        browser.open(PAGE).await;
        assert!(browser.console().await.iter().any(|(level, text)| level == "SEVERE" && text.contains("oh")));

        let length = |text: &str| text.chars().count();
        for text in ["n", "ni"] {
            let at = length(text);
            let parameters = json!({"text": text, "selectionStart": at, "selectionEnd": at});
            browser.devtools("Input.imeSetComposition", parameters).await;
        }
        let process =
            json!({"type": "rawKeyDown", "key": "Process", "code": "Enter", "windowsVirtualKeyCode": 229});
        browser.devtools("Input.dispatchKeyEvent", process).await;
        browser.devtools("Input.insertText", json!({"text": "你"})).await;
        let log = browser.when("the text is there", "return t.value === '你' && log;", json!([])).await;
        let kinds: Vec<&str> =
            log.as_array().expect("a list").iter().filter_map(|entry| entry[0].as_str()).collect();
        assert_eq!(
            (kinds.first(), kinds.last()),
            (Some(&"compositionstart"), Some(&"compositionend")),
            "{log}"
        );
        let enter = log.as_array().and_then(|log| log.iter().find(|entry| entry[0] == "keydown"));
        assert_eq!(
            enter,
            Some(&json!(["keydown", true, 229, "ni"])),
            "an Enter that belongs to the input method"
        );

        browser.prefer(Scheme::Dark).await;
        browser.resize(360, 740).await;
        let element = browser.element("#t").await;
        element.click().await.expect("it can be clicked");
        browser.type_into("#t", "好").await;
        browser.when("both characters are there", "return t.value === '你好';", json!([])).await;
        assert!(browser.screenshot("harness").await.is_file());
    }
}
