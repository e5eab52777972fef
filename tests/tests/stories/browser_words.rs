//! What is in a message, in the browser: code, links and names.

use serde_json::{Value, json};
use teahouse_tests::page::{Page, testid};
use teahouse_tests::server::Server;
use teahouse_tests::tcp;

/// Waits until a script answers as it should.
async fn until(page: &Page, what: &str, script: &str, expected: &Value) {
    let script = format!("return JSON.stringify((() => {{ {script} }})()) === arguments[0];");
    page.browser.when(what, &script, json!([expected.to_string()])).await;
}

#[tokio::test]
async fn code_stands_in_a_block_that_is_copied_and_unfolded() {
    let server = Server::start().await;
    let mut bo = tcp::enter(&server, "bo").await;
    let page = Page::enter(&server, "ana").await;
    let lines: Vec<String> =
        (1..=30).map(|line| format!("    let line_{line} = \"{}\";", "x".repeat(200))).collect();
    bo.post("lobby", &format!("看这个\n```rust\n{}\n```\n好不好", lines.join("\n"))).await;
    page.visible("code-block").await;
    let block = "return (() => {
        const block = document.querySelector('[data-testid=code-block]'), pre = block.querySelector('pre');
        return {
            language: block.querySelector('[data-testid=code-language]').textContent,
            code: pre.textContent,
            size: Math.round(parseFloat(getComputedStyle(pre).fontSize)),
            padding: getComputedStyle(pre).paddingLeft,
            scrolls: pre.scrollWidth > pre.clientWidth,
            folded: pre.scrollHeight > pre.clientHeight,
            page: document.documentElement.scrollWidth - innerWidth,
        };
    })();";
    let shown = page.browser.run(block, json!([])).await;
    let expected = json!({
        "language": "rust", "code": lines.join("\n"), "size": 13, "padding": "12px", "scrolls": true, "folded": true, "page": 0,
    });
    assert_eq!(shown, expected);
    page.browser.click(&testid("code-all")).await;
    let unfolded = "const pre = document.querySelector('[data-testid=code-block] pre');
        return pre.scrollHeight > pre.clientHeight;";
    until(&page, "all lines", unfolded, &json!(false)).await;
    let before = page
        .browser
        .run("return document.querySelector('[data-testid=code-copy]').textContent;", json!([]))
        .await;
    let into_the_middle =
        "document.querySelector('[data-testid=code-copy]').scrollIntoView({block: 'center'})";
    page.browser.run(into_the_middle, json!([])).await;
    page.browser.click(&testid("code-copy")).await;
    let changed =
        format!("return document.querySelector('[data-testid=code-copy]').textContent !== {before};");
    until(&page, "the button to say that it copied", &changed, &json!(true)).await;
    assert_eq!(page.complaints().await, [""; 0]);
}

#[tokio::test]
async fn who_comes_in_changes_a_text_only_where_it_names_them() {
    let server = Server::start().await;
    let mut bo = tcp::enter(&server, "bo").await;
    let page = Page::enter(&server, "ana").await;
    let lines = "let tea = 1;\n".repeat(30);
    bo.post("lobby", &format!("@ana 看\n```\n{lines}```\n再问@小红吧")).await;
    page.browser.click(&testid("code-all")).await;
    let shown = "return [document.querySelector('[data-testid=code-block]').dataset.folded,
        ...[...document.querySelectorAll('.mention-name')].map(name => name.textContent)];";
    until(&page, "all lines", shown, &json!(["false", "@ana"])).await;
    let _chen = tcp::enter(&server, "chen").await;
    page.member("chen", true).await;
    assert_eq!(page.browser.run(shown, json!([])).await, json!(["false", "@ana"]), "nothing folds again");
    let _new = tcp::enter(&server, "小红").await;
    let named = "return [...document.querySelectorAll('.mention-name')].map(name => name.textContent);";
    until(&page, "the newcomer to be named", named, &json!(["@ana", "@小红"])).await;
}

#[tokio::test]
async fn what_stands_in_a_row_works_after_other_rows_came_and_went() {
    let server = Server::start().await;
    let mut bo = tcp::enter(&server, "bo").await;
    let page = Page::enter(&server, "ana").await;
    let lines = "let tea = 1;\n".repeat(30);
    bo.post("lobby", &format!("```\n{lines}```")).await;
    bo.post("lobby", &"一行\n".repeat(30)).await;
    page.visible("code-block").await;
    for text in ["后来", "又后来"] {
        bo.post("lobby", text).await;
        page.message(text).await;
    }
    page.browser.click(&testid("lang-toggle")).await;
    page.browser.run("document.querySelector('[data-testid=code-all]').scrollIntoView()", json!([])).await;
    page.browser.click(&testid("code-all")).await;
    let unfolded = "return document.querySelector('[data-testid=code-block]').dataset.folded;";
    until(&page, "all lines", unfolded, &json!("false")).await;
    page.browser.run("document.querySelector('[data-testid=unfold]').scrollIntoView()", json!([])).await;
    page.browser.click(&testid("unfold")).await;
    until(&page, "the whole text", "return document.querySelector('[data-testid=unfold]');", &json!(null))
        .await;
    let words = "return document.querySelector('[data-testid=code-copy]').textContent;";
    let before = page.browser.run(words, json!([])).await;
    page.browser.run("document.querySelector('[data-testid=code-copy]').scrollIntoView()", json!([])).await;
    page.browser.click(&testid("code-copy")).await;
    let changed = words.replace(';', &format!(" !== {before};"));
    until(&page, "the button to say that it copied", &changed, &json!(true)).await;
    assert_eq!(page.complaints().await, [""; 0]);
}

#[tokio::test]
async fn links_lead_where_they_say_and_members_are_named() {
    let server = Server::start().await;
    let mut bo = tcp::enter(&server, "bo").await;
    let _other = tcp::enter(&server, "小明").await;
    let page = Page::enter(&server, "ana").await;
    page.member("小明", true).await;
    bo.post("lobby", "问@小明吧 https://zh.wikipedia.org/wiki/上海。 http://аррӏе.com http://user@a.b/")
        .await;
    let links = "return [...document.querySelectorAll('[data-testid=message-text] a')].map(link => [link.textContent, link.host]);";
    let expected = json!([
        ["https://zh.wikipedia.org/wiki/上海", "zh.wikipedia.org"],
        ["http://xn--80ak6aa92e.com", "xn--80ak6aa92e.com"],
    ]);
    until(&page, "two links", links, &expected).await;
    let names = "return [...document.querySelectorAll('.mention-name')].map(name => [name.textContent, name.dataset.me]);";
    until(&page, "小明 to be named", names, &json!([["@小明", "false"]])).await;
    // What freezes a parser that looks at the same brackets again and again.
    for _ in 0..20 {
        bo.post("lobby", &format!("http://a{}", ")".repeat(7_990))).await;
    }
    bo.post("lobby", "ana, are you there?").await;
    let me = "return [...document.querySelectorAll('.mention-name')].at(-1)?.dataset.me;";
    until(&page, "one's own name", me, &json!("true")).await;
    assert_eq!(page.complaints().await, [""; 0]);
}
