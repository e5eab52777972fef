use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;

use super::prefixed::Prefixed;
use crate::accept::Visit;
use crate::connection::Connection;
use crate::door::{Door, WebSocketDoor};
use crate::house::House;

/// Checks the handshake (tungstenite does, by RFC 6455 section 4.2.1) and who asks, and hands the socket over.
pub(super) async fn websocket(
    State(house): State<Arc<House>>,
    Extension(visit): Extension<Arc<Visit>>,
    mut request: Request,
) -> Response {
    let response = match create_response_with_body(&request, axum::body::Body::empty) {
        Ok(response) => response,
        Err(error) => {
            return (
                StatusCode::UPGRADE_REQUIRED,
                [(header::UPGRADE, "websocket"), (header::SEC_WEBSOCKET_VERSION, "13")],
                format!("/ws takes WebSocket handshakes of version 13: {error}\n"),
            )
                .into_response();
        }
    };
    if let Some(origin) = foreign_origin(request.headers(), &house.allowed_origins) {
        return (
            StatusCode::FORBIDDEN,
            format!("pages of {origin} may not connect here; the server's --allow-origin adds one\n"),
        )
            .into_response();
    }
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        match upgrade.await {
            Ok(upgraded) => visit.was(hand_over(upgraded, &visit, house).run().await),
            Err(error) => tracing::debug!("{} did not become a WebSocket: {error}", visit.peer()),
        }
    });
    response.map(axum::body::Body::new)
}

/// Takes the socket out of hyper's hands. Not part of the task above, which would keep hyper's buffer with it.
fn hand_over(upgraded: Upgraded, visit: &Visit, house: Arc<House>) -> Box<Connection> {
    let parts =
        upgraded.downcast::<TokioIo<Prefixed>>().expect("every HTTP connection is served on this type");
    let (unread, stream) = parts.io.into_inner().into_parts();
    let first = [&parts.read_buf[..], &unread[..]].concat();
    let door = Door::WebSocket(Box::<WebSocketDoor>::default());
    Connection::new(stream, visit.peer(), house, door, &first)
}

/// The origin of a page that is not this server's own. Programs that are no browsers send none. A development proxy
/// changes `Host` and keeps the original in `X-Forwarded-Host`, which no page can set.
fn foreign_origin<'a>(headers: &'a HeaderMap, allowed: &[String]) -> Option<&'a str> {
    let origin = match headers.get(header::ORIGIN)?.to_str() {
        Ok(origin) => origin,
        Err(_) => return Some("an unreadable origin"),
    };
    let authority = origin.split_once("://").map_or(origin, |(_, authority)| authority);
    let own = [header::HOST.as_str(), "x-forwarded-host"]
        .iter()
        .filter_map(|name| headers.get(*name)?.to_str().ok())
        .any(|host| host.eq_ignore_ascii_case(authority));
    let allowed = own || allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin));
    (!allowed).then_some(origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&'static str, &'static str)], expected: Option<&str>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, axum::http::HeaderValue::from_static(value));
        }
        assert_eq!(foreign_origin(&map, &["https://tea.example".into()]), expected, "{headers:?}");
    }

    #[test]
    fn only_the_servers_own_pages_connect() {
        check(&[("host", "a:2023")], None);
        check(&[("host", "a:2023"), ("origin", "http://a:2023")], None);
        check(&[("host", "A:2023"), ("origin", "http://a:2023")], None);
        check(&[("host", "a:2023"), ("origin", "http://a")], Some("http://a"));
        check(&[("host", "a:2023"), ("origin", "http://evil")], Some("http://evil"));
        check(&[("host", "a:2023"), ("origin", "null")], Some("null"));
        check(&[("host", "a:2023"), ("origin", "https://tea.example")], None);
        check(
            &[
                ("host", "127.0.0.1"),
                ("x-forwarded-host", "127.0.0.1:8080"),
                ("origin", "http://127.0.0.1:8080"),
            ],
            None,
        );
    }
}
