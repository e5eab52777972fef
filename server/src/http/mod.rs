//! The HTTP door: the browser client, `/healthz`, and the way to a WebSocket at `/ws`.

mod assets;
mod gateway;
mod prefixed;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::accept::Visit;
use crate::house::House;
use prefixed::Prefixed;

/// What is written to somebody whose request did not become complete in time. hyper closes without a word.
const TIMEOUT_RESPONSE: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: text/plain; charset=utf-8\r\n\
    connection: close\r\ncontent-length: 49\r\n\r\nNo complete HTTP request came in time; try again\n";

/// The longest head of a request, in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Makes the routes that all connections share.
pub fn router(house: Arc<House>) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/ws", any(gateway::websocket))
        .fallback(get(assets::serve))
        .layer(axum::middleware::map_response(add_headers))
        .with_state(house)
}

/// Serves one connection until it ends or becomes a WebSocket. `first` was read from it already.
pub async fn serve(stream: TcpStream, first: &[u8], visit: Arc<Visit>, house: &House, router: &Router) {
    let router = router.clone().layer(axum::Extension(visit));
    let service = TowerToHyperService::new(router);
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(house.patience.handshake)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(Prefixed::new(first, stream)), service)
        .with_upgrades();
    if let Err(error) = (&mut connection).await {
        tracing::debug!("an HTTP connection ended: {error}");
        if error.is_timeout()
            && let Some(parts) = connection.into_parts()
        {
            let mut io = parts.io.into_inner();
            // The peer may be gone, and then there is nobody to tell.
            let _ = io.write_all(TIMEOUT_RESPONSE).await;
            let _ = io.shutdown().await;
        }
    }
}

/// "ok" while the server can write to its disk.
async fn healthz(State(house): State<Arc<House>>) -> Response {
    if house.order.is_healthy() {
        (StatusCode::OK, "ok\n").into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the log cannot be written\n").into_response()
    }
}

/// Headers of every response. The client needs nothing from anywhere else, so it may load nothing from there.
async fn add_headers(mut response: Response) -> Response {
    const ALWAYS: [(HeaderName, &str); 4] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_SECURITY_POLICY, assets::content_security_policy().clone());
    response
}
