//! The browser client, as it was when the server was built.

use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

/// A file of the client.
struct Embedded {
    /// Its path in URLs.
    path: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// What the server shows when it was built without the client.
const NOT_BUILT: &str = include_str!("not_built.html");

/// Answers a request for a file. What comes before its name in the path is a proxy's business.
pub(super) fn serve(uri: &Uri, headers: &HeaderMap) -> Response {
    let path = uri.path();
    let index = path.ends_with('/').then_some("/index.html");
    let wanted = index.unwrap_or(path);
    let Some((file, etag)) = EMBEDDED.iter().zip(etags()).find(|(file, _)| wanted.ends_with(file.path))
    else {
        return missing(uri);
    };
    let path = file.path;
    let cache = if is_hashed(path) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let common = [
        (header::ETAG, etag.clone()),
        (header::CACHE_CONTROL, HeaderValue::from_static(cache)),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
    ];
    if headers.get(header::IF_NONE_MATCH) == Some(etag) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let (bytes, encoding) = encode(file, headers);
    let content_type = [(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)))];
    let mut response = (common, content_type, bytes).into_response();
    if let Some(encoding) = encoding {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

fn missing(uri: &Uri) -> Response {
    let place = uri.path().rsplit('/').next().unwrap_or_default();
    if matches!(place, "" | "index.html") {
        let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
        return (html, NOT_BUILT).into_response();
    }
    if !place.contains('.') {
        // `/chat` of somebody who left out the last slash, without which the page would not find its files.
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        if let Ok(location) = HeaderValue::from_str(&format!("./{place}/{query}")) {
            return (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, location)]).into_response();
        }
    }
    (StatusCode::NOT_FOUND, "there is nothing here; the chat is at /\n").into_response()
}

/// The best form of a file that the browser takes.
fn encode(file: &Embedded, headers: &HeaderMap) -> (&'static [u8], Option<&'static str>) {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("");
    let accepts = |wanted: &str| {
        accepted.split(',').any(|item| {
            let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
            let weight = parameters.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
            name.trim() == wanted && weight.is_ok_and(|weight| weight > 0.0)
        })
    };
    match file {
        Embedded { brotli: Some(bytes), .. } if accepts("br") => (bytes, Some("br")),
        Embedded { gzip: Some(bytes), .. } if accepts("gzip") => (bytes, Some("gzip")),
        _ => (file.plain, None),
    }
}

/// The tags of all files in their order. To make one, a whole file is read.
fn etags() -> &'static [HeaderValue] {
    static ETAGS: LazyLock<Vec<HeaderValue>> = LazyLock::new(|| {
        let tag = |file: &Embedded| {
            let digest = Sha256::digest(file.plain);
            let tag = format!("\"{}\"", BASE64_STANDARD.encode(&digest[..12]));
            HeaderValue::from_str(&tag).expect("base64 is visible ASCII")
        };
        EMBEDDED.iter().map(tag).collect()
    });
    &ETAGS
}

/// Whether the name changes with the content, as trunk's `name-0123456789abcdef.js` and `…_bg.wasm` do. trunk writes the
/// hash, a number of 64 bits, without leading zeros.
fn is_hashed(path: &str) -> bool {
    let hash = path.rsplit('-').next().unwrap_or_default();
    let digits = hash.bytes().take_while(u8::is_ascii_hexdigit).count();
    path.contains('-') && (8..=16).contains(&digits) && hash[digits..].starts_with(['.', '_'])
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webmanifest" => "application/manifest+json",
        "json" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// The Content-Security-Policy of every response. trunk starts the client from an inline script, which is allowed by
/// its hash alone.
pub(super) fn content_security_policy() -> &'static HeaderValue {
    static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
        let index = EMBEDDED.iter().find(|file| file.path == "/index.html");
        let html = index.map_or("", |file| std::str::from_utf8(file.plain).unwrap_or(""));
        let hashes: String = inline_scripts(html)
            .map(|script| format!(" 'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(script))))
            .collect();
        let policy = format!(
            "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'{hashes}; style-src 'self'; \
             img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; manifest-src 'self'; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        HeaderValue::from_str(&policy).expect("base64 is visible ASCII")
    });
    &POLICY
}

/// The texts between `<script …>` and `</script>` of a page that was built here.
fn inline_scripts(html: &str) -> impl Iterator<Item = &str> {
    html.split("<script")
        .skip(1)
        .filter_map(|rest| rest.split_once('>')?.1.split_once("</script>").map(|(script, _)| script))
        .filter(|script| !script.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_a_hash_are_kept_for_ever() {
        assert!(is_hashed("/teahouse-web-0123456789abcdef.js"));
        assert!(is_hashed("/teahouse-web-0123456789abcdef_bg.wasm"));
        assert!(is_hashed("/frame-690492ce2d5f361.css"));
        assert!(!is_hashed("/tea-house.css"));
        assert!(!is_hashed("/index.html"));
        assert!(!is_hashed("/favicon.svg"));
    }

    #[test]
    fn inline_scripts_are_found() {
        let html = r#"<script type="module">a()</script><p><script src="x.js"></script><script>b</script>"#;
        assert_eq!(inline_scripts(html).collect::<Vec<_>>(), ["a()", "b"]);
    }

    #[test]
    fn the_best_accepted_encoding_is_chosen() {
        let file = Embedded { path: "/x", plain: b"p", brotli: Some(b"b"), gzip: Some(b"g") };
        for (accepted, expected) in [
            ("gzip, deflate, br", Some("br")),
            ("gzip", Some("gzip")),
            ("br;q=0, gzip;q=0.5", Some("gzip")),
            ("", None),
            ("identity", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted));
            assert_eq!(encode(&file, &headers).1, expected, "{accepted}");
        }
    }
}
