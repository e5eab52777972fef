use std::sync::Arc;

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;

use super::prefixed::Prefixed;
use super::{Guest, client, foreign_page};
use crate::admission::Visit;
use crate::connection::Connection;
use crate::door::{Door, WebSocketDoor};
use crate::house::House;
use crate::origins::Target;

/// Checks the handshake (tungstenite does, by RFC 6455 section 4.2.1) and who asks, and hands the socket over.
pub(super) fn websocket(house: Arc<House>, guest: Guest, target: &Target, mut request: Request) -> Response {
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
    let mut origins = request.headers().get_all(header::ORIGIN).iter();
    // Programs that are no browsers send none.
    if let Some(origin) = origins.next() {
        let origin = origin.to_str().unwrap_or("null");
        if origins.next().is_some() || !house.origins.admit(origin, target, guest.local_port) {
            return foreign_page(origin);
        }
    }
    let Guest { visit, .. } = guest;
    let peer = visit.peer();
    let client = client(&house.proxies, peer.ip(), request.headers());
    if client != peer.ip().to_canonical() {
        // The port is the proxy's: it tells its clients apart in the log.
        if let Err(why) = visit.speaks_for((client, peer.port()).into(), &house.paces) {
            return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")], format!("{why}\n"))
                .into_response();
        }
    }
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        // What is handed over is gone before the connection runs, so that the task has no room for it.
        let connection = match upgrade.await {
            Ok(upgraded) => hand_over(upgraded, &visit, house),
            Err(error) => {
                tracing::debug!("{} did not become a WebSocket: {error}", visit.peer());
                return;
            }
        };
        visit.was(connection.run().await);
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
    Connection::new(stream, visit.peer(), house, door, &first, Instant::now())
}
