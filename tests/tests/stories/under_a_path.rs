//! The page under a path of somebody else's site.

use serde_json::json;
use teahouse_tests::browser::Browser;
use teahouse_tests::page::{Page, testid};
use teahouse_tests::reverse_proxy::{Prefix, ReverseProxy};
use teahouse_tests::server::Server;
use teahouse_tests::{programs, tcp};

#[tokio::test]
async fn the_page_works_under_a_path() {
    programs::assert_browser_client();
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    for (name, prefix, start) in [
        ("ana", Prefix::Strip, "/tea/house/"),
        ("bo", Prefix::Keep, "/tea/house/"),
        ("chen", Prefix::Strip, "/tea/house"),
        ("dou", Prefix::Keep, "/tea/house?from=a"),
    ] {
        let proxy = ReverseProxy::start(server.address(), "/tea/house", prefix, "").await;
        let browser = Browser::start().await;
        browser.open(&format!("http://{}{start}", proxy.address())).await;
        let page = Page { browser };
        page.browser.element(&testid("name-input")).await;
        page.choose_name(name).await;
        page.say("从小路来").await;
        assert_eq!(witness.post_event("lobby").await.1, "从小路来");
        page.message("从小路来").await;
        let manifest =
            page.browser.run("return document.querySelector('link[rel=manifest]').href", json!([])).await;
        assert_eq!(manifest, json!(format!("http://{}/tea/house/manifest.webmanifest", proxy.address())));
    }
}

/// Any path ends at the same server, but for the browser each is another house.
#[tokio::test]
async fn two_houses_under_one_origin_are_strangers_to_each_other() {
    programs::assert_browser_client();
    let server = Server::start().await;
    let browser = Browser::start().await;
    browser.open(&format!("{}one/", server.url())).await;
    let page = Page { browser };
    page.choose_name("ana").await;
    page.write("半句话").await;
    let first = page.browser.tab().await;
    page.browser.open_tab(&format!("{}two/", server.url())).await;
    page.browser.element(&testid("name-input")).await;
    page.choose_name("bo").await;
    page.browser.go_to_tab(first).await;
    page.is("ana").await;
    // Also for one tab that goes from one to the other.
    page.browser.open(&format!("{}two/", server.url())).await;
    page.is("bo").await;
    page.when_composed("").await;
    page.browser.open(&format!("{}one/", server.url())).await;
    page.is("ana").await;
    page.when_composed("半句话").await;
}
