use std::borrow::Cow;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::client::{Command, Request};
use crate::ids::RequestId;
use crate::server::{ErrorCode, ErrorReply, ServerMessage};

/// What is wrong with a line, in the words of the error reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DecodeError {
    /// The number of the request, where it could be read.
    pub re: Option<RequestId>,
    /// [`ErrorCode::Malformed`], [`ErrorCode::UnknownType`] or [`ErrorCode::InvalidField`].
    pub code: ErrorCode,
    /// What was wrong and what to do.
    pub message: String,
    /// The field that breaks a rule.
    pub field: Option<String>,
}

impl From<DecodeError> for ErrorReply {
    fn from(error: DecodeError) -> Self {
        Self {
            re: error.re,
            code: error.code,
            message: error.message,
            field: error.field,
            rule: None,
            temporary: false,
            retry_after_ms: None,
        }
    }
}

/// An error says at most so many characters about a field.
const REASON_CHARS_MAX: usize = 300;

/// What every request has. It is read first, so that an error in the rest can name the request.
#[derive(Deserialize)]
struct Envelope<'a> {
    id: Option<RequestId>,
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
}

/// Reads one line or WebSocket text message as a request.
pub fn decode_request(bytes: &[u8]) -> Result<Request, DecodeError> {
    let text = std::str::from_utf8(bytes).map_err(|error| DecodeError {
        re: None,
        code: ErrorCode::Malformed,
        message: format!("the line is not UTF-8 at byte {}", error.valid_up_to() + 1),
        field: None,
    })?;
    let envelope: Envelope<'_> = decode_fields(text, None)?;
    let missing = |re, field: &str| DecodeError {
        re,
        code: ErrorCode::InvalidField,
        message: format!("the field `{field}` is missing"),
        field: Some(field.into()),
    };
    let id = envelope.id.ok_or_else(|| missing(None, "id"))?;
    let kind = envelope.kind.ok_or_else(|| missing(Some(id), "type"))?;
    let command = match &*kind {
        "hello" => Command::Hello(decode_fields(text, Some(id))?),
        "rename" => Command::Rename(decode_fields(text, Some(id))?),
        "sign_out" => Command::SignOut(decode_fields(text, Some(id))?),
        "join" => Command::Join(decode_fields(text, Some(id))?),
        "leave" => Command::Leave(decode_fields(text, Some(id))?),
        "rooms" => Command::Rooms(decode_fields(text, Some(id))?),
        "watch" => Command::Watch(decode_fields(text, Some(id))?),
        "unwatch" => Command::Unwatch(decode_fields(text, Some(id))?),
        "post" => Command::Post(decode_fields(text, Some(id))?),
        "history" => Command::History(decode_fields(text, Some(id))?),
        "who" => Command::Who(decode_fields(text, Some(id))?),
        "ping" => Command::Ping(decode_fields(text, Some(id))?),
        _ => {
            let shown: String = kind.chars().take(40).flat_map(char::escape_debug).collect();
            return Err(DecodeError {
                re: Some(id),
                code: ErrorCode::UnknownType,
                message: format!("this server knows no request of the type \"{shown}\""),
                field: Some("type".into()),
            });
        }
    };
    Ok(Request { id, command })
}

/// Reads one struct from the object and ignores the fields that it does not have.
fn decode_fields<'a, T: Deserialize<'a>>(text: &'a str, re: Option<RequestId>) -> Result<T, DecodeError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let malformed = |message: String| DecodeError { re, code: ErrorCode::Malformed, message, field: None };
    if !text.trim_start().starts_with('{') {
        return Err(malformed("a request is one JSON object on one line, {…}".into()));
    }
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.inner();
        if inner.is_data() {
            invalid_field(re, &path, inner)
        } else {
            malformed(format!("the line is not JSON: {inner}"))
        }
    })?;
    json.end().map_err(|error| malformed(format!("the line is not one JSON object: {error}")))?;
    Ok(value)
}

fn invalid_field(re: Option<RequestId>, path: &str, error: &serde_json::Error) -> DecodeError {
    let text = error.to_string();
    // serde_json ends its messages with a place, which for a field that is named says nothing more.
    let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    // A missing field is reported at the object that lacks it.
    let missing = reason.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
    let (field, message) = match missing {
        Some(name) => {
            let field = if path == "." { name.to_owned() } else { format!("{path}.{name}") };
            let message = format!("the field `{field}` is missing");
            (field, message)
        }
        None => (path.to_owned(), format!("`{path}` {}", shortened(&sentence(reason)))),
    };
    DecodeError { re, code: ErrorCode::InvalidField, message, field: Some(field) }
}

/// Makes serde's "invalid type: integer `5`, expected a string" go on from a field's name.
fn sentence(reason: &str) -> Cow<'_, str> {
    if reason.starts_with("must ") {
        Cow::Borrowed(reason)
    } else {
        Cow::Owned(format!("is wrong: {reason}"))
    }
}

/// What is wrong may be quoted, and may be as long as a line.
fn shortened(reason: &str) -> Cow<'_, str> {
    match reason.char_indices().nth(REASON_CHARS_MAX) {
        Some((end, _)) => Cow::Owned(format!("{}…", &reason[..end])),
        None => Cow::Borrowed(reason),
    }
}

/// Reads one line or WebSocket text message of a server. An unknown `type` or `kind` is no error.
pub fn decode_server_message(bytes: &[u8]) -> Result<ServerMessage, serde_json::Error> {
    from_slice(bytes)
}

fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(line: &str, re: Option<u64>, code: ErrorCode, field: Option<&str>, message: &str) {
        let error = decode_request(line.as_bytes()).expect_err(line);
        assert_eq!(error.message, message, "{line}");
        assert_eq!(error.re.map(RequestId::get), re, "{line}");
        assert_eq!(error.code, code, "{line}");
        assert_eq!(error.field.as_deref(), field, "{line}");
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        use ErrorCode::Malformed;
        check("hello", None, Malformed, None, "a request is one JSON object on one line, {…}");
        check("[1]", None, Malformed, None, "a request is one JSON object on one line, {…}");
        check(
            r#"{"id":1"#,
            None,
            Malformed,
            None,
            "the line is not JSON: EOF while parsing an object at line 1 column 7",
        );
        check(
            r#"{"id":1,"type":"ping"} x"#,
            None,
            Malformed,
            None,
            "the line is not one JSON object: trailing characters at line 1 column 24",
        );
        let error = decode_request(b"{\"id\":1,\"type\":\"\xff\"}").unwrap_err();
        assert_eq!(error.message, "the line is not UTF-8 at byte 17");
    }

    #[test]
    fn an_error_about_something_long_is_short() {
        for long in ["x".repeat(60_000), "\\u0001".repeat(10_000), "茶".repeat(20_000)] {
            for line in [
                format!(r#"{{"id":"{long}","type":"ping"}}"#),
                format!(r#"{{"id":1,"type":"{long}"}}"#),
                format!(r#"{{"id":1,"type":"post","room":["{long}"],"text":"x"}}"#),
                format!(r#"{{"id":1,"type":"hello","protocol":1,"auth":{{"type":"{long}"}}}}"#),
                format!(r#"{{"id":1,"type":"hello","protocol":"{long}","auth":{{"type":"guest"}}}}"#),
            ] {
                let error = decode_request(line.as_bytes()).expect_err("none of them is a request");
                let told = ServerMessage::Error(error.into()).to_json();
                assert!(told.len() < 2_000, "{} bytes: {told:.300}", told.len());
            }
        }
    }

    #[test]
    fn errors_name_the_field() {
        use ErrorCode::InvalidField;
        check("{}", None, InvalidField, Some("id"), "the field `id` is missing");
        check(r#"{"id":3}"#, Some(3), InvalidField, Some("type"), "the field `type` is missing");
        check(
            r#"{"id":"3","type":"ping"}"#,
            None,
            InvalidField,
            Some("id"),
            "`id` is wrong: invalid type: string \"3\", expected u64",
        );
        check(
            r#"{"id":3,"type":"post","room":"lobby"}"#,
            Some(3),
            InvalidField,
            Some("text"),
            "the field `text` is missing",
        );
        check(
            r#"{"id":3,"type":"post","room":"lobby","text":" "}"#,
            Some(3),
            InvalidField,
            Some("text"),
            "`text` must not be empty",
        );
        check(
            r#"{"id":3,"type":"join","room":"a b"}"#,
            Some(3),
            InvalidField,
            Some("room"),
            "`room` must not contain spaces; use '-' or '_' instead",
        );
        check(
            r#"{"id":3,"type":"watch","room":"a","after":{"epoch":"x"}}"#,
            Some(3),
            InvalidField,
            Some("after.seq"),
            "the field `after.seq` is missing",
        );
        check(
            r#"{"id":3,"type":"hello","protocol":1,"auth":{"type":"guest","name":""}}"#,
            Some(3),
            InvalidField,
            Some("auth.name"),
            "`auth.name` must be 1 to 32 characters long, not 0",
        );
        check(
            r#"{"id":3,"type":"hello","protocol":1,"auth":{"type":"token"}}"#,
            Some(3),
            InvalidField,
            Some("auth.token"),
            "the field `auth.token` is missing",
        );
    }

    #[test]
    fn unknown_types_are_named_and_unknown_fields_ignored() {
        check(
            r#"{"id":3,"type":"dance"}"#,
            Some(3),
            ErrorCode::UnknownType,
            Some("type"),
            "this server knows no request of the type \"dance\"",
        );
        let request = decode_request(br#"{"id":3,"type":"ping","mood":"good"}"#).unwrap();
        assert_eq!(request.id.get(), 3);
        assert_eq!(
            decode_server_message(br#"{"type":"fireworks","room":5}"#).unwrap(),
            ServerMessage::Unknown
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_request(&bytes);
            let _ = decode_server_message(&bytes);
        }

        #[test]
        fn any_object_is_read_or_refused(
            kind in "hello|join|post|watch|history",
            field in "room|text|auth|after|id",
            value in r#"[0-9]{1,20}|"[a-z]{0,9}"|\{\}|\[\]|null|-1"#,
        ) {
            let line = format!(r#"{{"id":1,"type":"{kind}","{field}":{value}}}"#);
            let _ = decode_request(line.as_bytes());
        }
    }
}
