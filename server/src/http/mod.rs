//! The HTTP door: the browser client, `/healthz`, and the way to a WebSocket at `/ws`.

mod assets;
mod gateway;
mod prefixed;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::HttpBody as _;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::admission::Visit;
use crate::house::House;
use crate::origins::{Origin, Target};
use crate::pace::Address;
use crate::proxies::Proxies;
use prefixed::Prefixed;

/// What is written to somebody whose request did not become complete in time. hyper closes without a word.
const TIMEOUT_RESPONSE: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: text/plain; charset=utf-8\r\n\
    connection: close\r\ncontent-length: 49\r\n\r\nNo complete HTTP request came in time; try again\n";

/// A peer may take nothing of an answer for so many times as long as it may take for its request.
const STALLS: u32 = 6;

/// The longest head of a request, in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Where a request came in.
#[derive(Debug, Clone)]
struct Guest {
    visit: Arc<Visit>,
    local_port: u16,
}

/// Makes the routes that all connections share. The last part of a path chooses: behind a proxy the client may stand
/// under any path, which the proxy takes off or leaves.
pub fn router(house: Arc<House>) -> Router {
    Router::new().fallback(route).layer(axum::middleware::map_response(add_headers)).with_state(house)
}

async fn route(State(house): State<Arc<House>>, request: Request) -> Response {
    let host_needed = request.version() != Version::HTTP_10;
    let Ok(target) = Target::read(request.uri(), request.headers(), host_needed) else {
        return (
            StatusCode::BAD_REQUEST,
            [(header::CONNECTION, "close")],
            "请求里要有一个正确的 Host · a request has one Host, which names the server and nothing else\n",
        )
            .into_response();
    };
    let place = request.uri().path().rsplit('/').next().unwrap_or_default();
    if place == "ws" {
        let guest = request.extensions().get::<Guest>().expect("every connection has one").clone();
        return gateway::websocket(house, guest, &target, request);
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response();
    }
    if place == "healthz" {
        // Whoever looks after servers calls them by names of its own.
        return healthz(&house);
    }
    let peer = request.extensions().get::<Guest>().expect("every connection has one").visit.peer().ip();
    let client = client(&house.proxies, peer, request.headers());
    // A proxy speaks for many, and this one does not say for whom.
    let paced = (!house.proxies.trust(client)).then(|| Address::of(client));
    if let Some(wait) = paced.and_then(|address| house.paces.next_page(address, std::time::Instant::now())) {
        return too_many_pages(wait);
    }
    let response = match house.origins.wrong_name(&target) {
        Some(name) => foreign_page(&format!("http://{name}")),
        None => assets::serve(request.uri(), request.headers()),
    };
    if let (Some(address), Some(bytes)) = (paced, response.body().size_hint().exact()) {
        house.paces.gave_page(address, bytes, std::time::Instant::now());
    }
    response
}

/// Whom a peer speaks for in this request, if it is a proxy.
fn client(proxies: &Proxies, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let forwarded = headers.get_all("x-forwarded-for").iter();
    proxies.client(peer, forwarded.map(|value| value.to_str().unwrap_or_default()))
}

/// What is said to an address that has been given so many pages that it has to wait.
fn too_many_pages(wait: Duration) -> Response {
    (
        StatusCode::TOO_MANY_REQUESTS,
        [(header::RETRY_AFTER, (wait.as_secs() + 1).to_string())],
        "要得太快了，请稍等 · too many pages at once; wait a little\n",
    )
        .into_response()
}

/// What is said to pages, and readers of pages, of a name that the server does not know as its own.
fn foreign_page(origin: &str) -> Response {
    if origin.parse::<Origin>().is_err() {
        // `null`, as files and frames in a sandbox have it: no option can let that in.
        return (
            StatusCode::FORBIDDEN,
            "这个网页没有地址，不能连茶馆；请从茶馆自己的地址打开 · a page without an address of its own cannot connect; \
             open it at this server's\n",
        )
            .into_response();
    }
    (
        StatusCode::FORBIDDEN,
        format!(
            "茶馆不认识 {origin} 这个地址；如果它是你的，启动服务器时加上 --allow-origin {origin}\n\
             This server does not know {origin} as its own; if it is yours, start the server with \
             --allow-origin {origin} (or TEAHOUSE_ALLOW_ORIGIN)\n"
        ),
    )
        .into_response()
}

/// Serves one connection until it ends or becomes a WebSocket. `first` was read from it already, the first byte of it at
/// the time `since`.
pub async fn serve(
    stream: TcpStream,
    first: &[u8],
    since: Instant,
    visit: Arc<Visit>,
    house: &House,
    router: &Router,
) {
    let local_port = stream.local_addr().map_or(0, |address| address.port());
    let router = router.clone().layer(axum::Extension(Guest { visit, local_port }));
    let service = TowerToHyperService::new(router);
    let patience = house.patience.handshake.saturating_sub(since.elapsed());
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.max(Duration::from_millis(1)))
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(
            TokioIo::new(Prefixed::new(first, stream, house.patience.handshake * STALLS)),
            service,
        )
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
fn healthz(house: &House) -> Response {
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
