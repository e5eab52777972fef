use super::*;

/// Shows links as `[text]`, or `[text→href]` where they differ.
fn check(text: &str, expected: &str) {
    let (mut shown, mut done) = (String::new(), 0);
    for link in links(text) {
        shown.push_str(&text[done..link.range.start]);
        let same = link.href == link.text;
        let both = if same { link.text } else { format!("{}→{}", link.text, link.href) };
        shown.push_str(&format!("[{both}]"));
        done = link.range.end;
    }
    shown.push_str(&text[done..]);
    assert_eq!(shown, expected, "{text:?}");
}

#[test]
fn only_http_and_https_are_links() {
    check("http://a.b and HTTPS://A.B/C", "[http://a.b] and [https://a.b/C]");
    check(
        "javascript:alert(1) ftp://a data:x:// JaVaScRiPt://a.b",
        "javascript:alert(1) ftp://a data:x:// JaVaScRiPt://a.b",
    );
    check("xhttp://a.b", "xhttp://a.b");
    check("javascript:http://a", "javascript:[http://a]");
    check("http:// https://. http://[::1]:80/", "http:// https://. [http://[::1]:80/]");
    check("http://localhost:2023", "[http://localhost:2023]");
    check("http://http://a.b", "http://[http://a.b]");
}

#[test]
fn punctuation_after_a_link_stays_outside() {
    check("see https://a.b/c.", "see [https://a.b/c].");
    check("see https://a.b: or https://a.b:80, or", "see [https://a.b]: or [https://a.b:80], or");
    check("(https://a.b/c)", "([https://a.b/c])");
    check("(https://a.b/c.)", "([https://a.b/c].)");
    check("[x](https://a.b/c)[y]", "[x]([https://a.b/c])[y]");
    check("https://a.b/Tea_(disambiguation)", "[https://a.b/Tea_(disambiguation)]");
    check("https://a.b/?q=1&r=2#x!?", "[https://a.b/?q=1&r=2#x]!?");
    check("<https://a.b>\"https://a.b\"", "<[https://a.b]>\"[https://a.b]\"");
    check("https://a.b/(((", "[https://a.b/](((");
    check("https://a.b/x)))", "[https://a.b/x])))");
}

#[test]
fn chinese_around_links_stays_outside_and_within_them_inside() {
    check("看https://a.b吧", "看[https://a.b]吧");
    check("（https://a.b/c）。", "（[https://a.b/c]）。");
    check("https://a.b/c，谢谢", "[https://a.b/c]，谢谢");
    check("https://a.b/c。https://d.e", "[https://a.b/c]。[https://d.e]");
    check("“https://a.b”‘https://a.b/c’", "“[https://a.b]”‘[https://a.b/c]’");
    check("https://a.b/c——好", "[https://a.b/c]——好");
    check("https://zh.wikipedia.org/wiki/上海", "[https://zh.wikipedia.org/wiki/上海]");
    check("https://a.b/1990–2000/x", "[https://a.b/1990–2000/x]");
    check("https://a.b/1990–", "[https://a.b/1990]–");
    check("https://a.b/L’Aquila", "[https://a.b/L’Aquila]");
    check("https://a.b/约翰·史密斯、", "[https://a.b/约翰·史密斯]、");
    check("https://a.b/日々カレー", "[https://a.b/日々カレー]");
    check("http://例子.测试/路径", "[http://例子.测试/路径→http://xn--fsqu00a.xn--0zwm56d/路径]");
}

#[test]
fn a_link_leads_where_it_says() {
    check(
        "http://user@a.b/ http://user:pass@a.b http://a.b:80@c.d/x",
        "http://user@a.b/ http://user:pass@a.b http://a.b:80@c.d/x",
    );
    check("https://a.b/@ana", "[https://a.b/@ana]");
    check("http://a.b\\@c.d", "[http://a.b]\\@c.d");
    check("http://ex%61mple.com", "http://ex%61mple.com");
    check("http://PaypaI.com/PaypaI", "[http://paypai.com/PaypaI]");
    check("http://аррӏе.com", "[http://xn--80ak6aa92e.com]");
    check(
        "http://a.b/\u{200d}x http://a.b/👩\u{200d}🏫",
        "[http://a.b/%E2%80%8Dx] [http://a.b/👩%E2%80%8D🏫]",
    );
    check("http://a.b/x\u{200b}\u{2800}y\u{200b}", "[http://a.b/x%E2%80%8B%E2%A0%80y]\u{200b}");
    check(
        "http://a.b⁄c.d http://a.b%2Fc.d http://a.b＠c.d",
        "http://a.b⁄c.d http://a.b%2Fc.d [http://a.b]＠c.d",
    );
    check("http://a\u{ad}.b/", "http://a\u{ad}.b/");
    check("http://a.b/\u{202e}gpj", "[http://a.b/]\u{202e}gpj");
}

#[test]
fn a_link_has_a_length() {
    let longest = format!("http://a.b/{}", "x".repeat(LINK_BYTES_MAX - 11));
    check(&longest, &format!("[{longest}]"));
    check(&format!("{longest}x"), &format!("{longest}x"));
    check(&format!("{longest}x http://a.b"), &format!("{longest}x [http://a.b]"));
}
