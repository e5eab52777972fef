//! The link to the server: a WebSocket to `ws` beside the page.

use std::rc::Rc;

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{CloseEvent, MessageEvent, WebSocket};

use crate::house;

/// What happens to a link.
#[derive(Debug)]
pub(crate) enum SocketEvent {
    /// It stands.
    Opened,
    /// One message came.
    Received(String),
    /// It could not be opened, or is gone.
    Closed(String),
}

/// A link. Dropping it closes it, and nothing of it is heard any more.
#[derive(Debug)]
pub(crate) struct Socket {
    inner: WebSocket,
    _on_open: Closure<dyn FnMut()>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
}

impl Socket {
    /// Begins to open a link. `hear` is told what happens to it, never from within this call.
    pub(crate) fn open(hear: Rc<dyn Fn(SocketEvent)>) -> Result<Self, String> {
        let inner = WebSocket::new(&address()?).map_err(|error| format!("{error:?}"))?;
        let to = Rc::clone(&hear);
        let on_open = Closure::<dyn FnMut()>::new(move || to(SocketEvent::Opened));
        let to = Rc::clone(&hear);
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            // The server sends text only; anything else is none of ours.
            if let Some(text) = event.data().as_string() {
                to(SocketEvent::Received(text));
            }
        });
        let on_close = Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| {
            let reason = event.reason();
            hear(SocketEvent::Closed(if reason.is_empty() {
                format!("code {}", event.code())
            } else {
                reason
            }));
        });
        inner.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        inner.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        inner.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Ok(Self { inner, _on_open: on_open, _on_message: on_message, _on_close: on_close })
    }

    /// Sends one message. A link that is not open drops it; its end is told by [`SocketEvent::Closed`].
    pub(crate) fn send(&self, text: &str) {
        let _ = self.inner.send_with_str(text);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.inner.set_onopen(None);
        self.inner.set_onmessage(None);
        self.inner.set_onclose(None);
        let _ = self.inner.close();
    }
}

fn address() -> Result<String, String> {
    let location = web_sys::window().ok_or("no window")?.location();
    let scheme = match location.protocol().as_deref() {
        Ok("https:") => "wss",
        _ => "ws",
    };
    let host = location.host().map_err(|error| format!("{error:?}"))?;
    Ok(format!("{scheme}://{host}{}ws", house::folder()))
}
