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
