//! How long a browser takes from navigation to a composer that one can write in. Build the client and a release server
//! first (`cargo xtask web`, `cargo build --release -p teahouse-server -p teahouse`), then:
//!
//! ```sh
//! TEAHOUSE_TEST_PROGRAMS=$PWD/target/release cargo run -p teahouse-tests --example browser_start
//! ```

use serde_json::json;
use teahouse_tests::browser::Browser;
use teahouse_tests::page::Page;
use teahouse_tests::server::Server;

const FIRST_VISITS: usize = 5;
const RELOADS: usize = 10;

/// Notes the time at which the first of two things stands in the page: the field for a name, or a composer online.
const WATCH: &str = "
    const look = () => {
        const composer = document.querySelector('[data-testid=composer]');
        const connection = document.querySelector('[data-testid=connection]');
        const online = composer && !composer.disabled && connection && connection.dataset.state === 'online';
        if (!window.usableAt && (online || document.querySelector('[data-testid=name-input]'))) {
            window.usableAt = performance.now();
        }
    };
    new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });";

#[tokio::main]
async fn main() {
    let server = Server::start().await;
    let mut first = Vec::new();
    let mut again = Vec::new();
    for visit in 0..FIRST_VISITS {
        let browser = Browser::start().await;
        browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": WATCH })).await;
        let page = Page::open(browser, &server).await;
        first.push(usable_at_ms(&page).await);
        page.choose_name(&format!("visitor{visit}")).await;
        for _ in 0..RELOADS / FIRST_VISITS {
            page.browser.reload().await;
            page.online().await;
            again.push(usable_at_ms(&page).await);
        }
    }
    print("navigation to the field for a name, new profile", first);
    print("navigation to a composer online, reload", again);
}

async fn usable_at_ms(page: &Page) -> f64 {
    page.browser
        .when("the page is usable", "return window.usableAt || null", json!([]))
        .await
        .as_f64()
        .expect("a number of milliseconds")
}

fn print(what: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2];
    let (least, most) = (times[0], times[times.len() - 1]);
    println!("{what}: median {median:.0} ms (least {least:.0}, most {most:.0}, {} times)", times.len());
}
