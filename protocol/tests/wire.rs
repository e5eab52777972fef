//! Every variant of the wire, as it stands on the line. A change here is a change of the protocol.

use teahouse_protocol::{
    Command, ErrorCode, EventKind, GoodbyeReason, ResetReason, Resume, ServerMessage, decode_request,
    decode_server_message,
};

const REQUESTS: &[&str] = &[
    r#"{"id":1,"type":"hello","protocol":1,"auth":{"type":"guest"}}"#,
    r#"{"id":1,"type":"hello","protocol":1,"auth":{"type":"guest","name":"ana","keep":true},"client":"x/1"}"#,
    r#"{"id":1,"type":"hello","protocol":1,"auth":{"type":"token","token":"secret"}}"#,
    r#"{"id":2,"type":"rename","name":"bo"}"#,
    r#"{"id":2,"type":"sign_out"}"#,
    r#"{"id":2,"type":"join","room":"lobby"}"#,
    r#"{"id":2,"type":"join","room":"茶","create":true}"#,
    r#"{"id":3,"type":"leave","room":"lobby"}"#,
    r#"{"id":4,"type":"rooms"}"#,
    r#"{"id":4,"type":"rooms","after":"lobby"}"#,
    r#"{"id":5,"type":"watch","room":"lobby"}"#,
    r#"{"id":5,"type":"watch","room":"lobby","after":{"epoch":"k3v","seq":118}}"#,
    r#"{"id":6,"type":"unwatch","room":"lobby"}"#,
    r#"{"id":7,"type":"post","room":"lobby","text":"你好"}"#,
    r#"{"id":7,"type":"post","room":"lobby","op":"9f86d081884c7d65","text":"waves","action":true}"#,
    r#"{"id":8,"type":"history","room":"lobby"}"#,
    r#"{"id":8,"type":"history","room":"lobby","before":118,"limit":50}"#,
    r#"{"id":8,"type":"history","room":"lobby","after":118}"#,
    r#"{"id":8,"type":"history","room":"lobby","around":118}"#,
    r#"{"id":8,"type":"history","room":"lobby","at":"2026-11-22T08:00:00.123Z"}"#,
    r#"{"id":9,"type":"who","room":"lobby"}"#,
    r#"{"id":10,"type":"ping"}"#,
];

const MESSAGES: &[&str] = &[
    concat!(
        r#"{"type":"welcome","re":1,"protocol":1,"user":{"id":7,"name":"ana"},"token":"secret","limits":{"#,
        r#""line_bytes_max":131072,"text_chars_max":8000,"name_chars_max":32,"history_events_max":200,"#,
        r#""watches_max":1000,"posts_in_flight_max":256},"rooms":[{"room":"lobby","head":121}],"server":"x/1"}"#
    ),
    r#"{"type":"renamed","re":2,"user":{"id":8,"name":"bo"}}"#,
    r#"{"type":"signed_out","re":2}"#,
    r#"{"type":"ack","re":2,"room":"lobby","seq":122}"#,
    r#"{"type":"ack","re":2,"room":"lobby"}"#,
    r#"{"type":"rooms","re":3,"rooms":[{"room":"lobby","head":121,"members":5,"joined":true}],"more":false}"#,
    r#"{"type":"watching","re":4,"room":"lobby","epoch":"k3v","head":121,"resume":"live"}"#,
    r#"{"type":"watching","re":4,"room":"lobby","epoch":"k3v","head":121,"resume":"replay"}"#,
    r#"{"type":"watching","re":4,"room":"lobby","epoch":"k3v","head":121,"resume":"reset","reason":"other_epoch"}"#,
    r#"{"type":"watching","re":4,"room":"lobby","epoch":"k3v","head":121,"resume":"reset","reason":"too_far"}"#,
    r#"{"type":"watching","re":4,"room":"lobby","epoch":"k3v","head":121,"resume":"reset","reason":"ahead"}"#,
    r#"{"type":"unwatched","re":5,"room":"lobby"}"#,
    concat!(
        r#"{"type":"history","re":6,"room":"lobby","epoch":"k3v","head":2,"events":["#,
        r#"{"seq":1,"at":"2026-11-22T08:00:00.123Z","user":0,"by":"ana","kind":"create"},"#,
        r#"{"seq":2,"at":"2026-11-22T08:00:00.124Z","user":7,"by":"ana","op":"9f86d081884c7d65","kind":"post","text":"你好"}],"#,
        r#""more_before":false,"more_after":false}"#
    ),
    r#"{"type":"members","re":7,"room":"lobby","members":[{"user":7,"name":"ana","online":true}],"total":1}"#,
    r#"{"type":"pong","re":8}"#,
    r#"{"type":"error","re":9,"code":"not_member","message":"join first","temporary":false}"#,
    r#"{"type":"error","code":"invalid_field","message":"wrong","field":"room","temporary":true}"#,
    r#"{"type":"error","re":9,"code":"rate_limited","message":"slow","temporary":true,"retry_after_ms":1000}"#,
    r#"{"type":"event","room":"lobby","seq":1,"at":"2026-11-22T08:00:00.123Z","user":8,"by":"bo","kind":"create"}"#,
    r#"{"type":"event","room":"lobby","seq":1,"at":"2026-11-22T08:00:00.123Z","user":8,"by":"bo","kind":"join"}"#,
    r#"{"type":"event","room":"lobby","seq":1,"at":"2026-11-22T08:00:00.123Z","user":8,"by":"bo","kind":"leave"}"#,
    concat!(
        r#"{"type":"event","room":"lobby","seq":1,"at":"2026-11-22T08:00:00.123Z","user":8,"by":"bo","op":"9f86","kind":"post","#,
        r#""text":"waves","action":true}"#
    ),
    r#"{"type":"caught_up","room":"lobby","head":121}"#,
    r#"{"type":"gone","room":"lobby","epoch":"k3v"}"#,
    r#"{"type":"presence","room":"lobby","user":7,"name":"ana","online":false}"#,
    r#"{"type":"goodbye","reason":"shutting_down","message":"bye","reconnect":true}"#,
    r#"{"type":"goodbye","reason":"shutting_down","message":"bye","reconnect":false}"#,
    r#"{"type":"goodbye","reason":"renamed","message":"bye","reconnect":true}"#,
];

/// The `type` of a request. Not compiling here means: add the new variant to [`REQUESTS`] and to PROTOCOL.md.
fn request_type(command: &Command) -> &'static str {
    match command {
        Command::Hello(_) => "hello",
        Command::Rename(_) => "rename",
        Command::SignOut(_) => "sign_out",
        Command::Join(_) => "join",
        Command::Leave(_) => "leave",
        Command::Rooms(_) => "rooms",
        Command::Watch(_) => "watch",
        Command::Unwatch(_) => "unwatch",
        Command::Post(_) => "post",
        Command::History(_) => "history",
        Command::Who(_) => "who",
        Command::Ping(_) => "ping",
    }
}

/// The `type` of a message. Not compiling here means: add the new variant to [`MESSAGES`] and to PROTOCOL.md.
fn message_type(message: &ServerMessage) -> &'static str {
    match message {
        ServerMessage::Welcome(_) => "welcome",
        ServerMessage::Renamed(_) => "renamed",
        ServerMessage::SignedOut(_) => "signed_out",
        ServerMessage::Ack(_) => "ack",
        ServerMessage::Rooms(_) => "rooms",
        ServerMessage::Watching(_) => "watching",
        ServerMessage::Unwatched(_) => "unwatched",
        ServerMessage::History(_) => "history",
        ServerMessage::Members(_) => "members",
        ServerMessage::Pong(_) => "pong",
        ServerMessage::Error(_) => "error",
        ServerMessage::Event(_) => "event",
        ServerMessage::CaughtUp(_) => "caught_up",
        ServerMessage::Gone(_) => "gone",
        ServerMessage::Presence(_) => "presence",
        ServerMessage::Goodbye(_) => "goodbye",
        ServerMessage::Unknown => "unknown",
    }
}

const PROTOCOL_MD: &str = include_str!("../../PROTOCOL.md");

#[test]
fn every_request_is_written_as_it_is_read() {
    for line in REQUESTS {
        let request = decode_request(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(request.to_json(), *line);
        assert!(line.contains(&format!(r#""type":"{}""#, request_type(&request.command))));
    }
}

#[test]
fn every_message_is_written_as_it_is_read() {
    for line in MESSAGES {
        let message =
            decode_server_message(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(message.to_json(), *line);
        assert!(line.starts_with(&format!(r#"{{"type":"{}""#, message_type(&message))));
        assert_eq!(message.re().is_some(), line.contains(r#""re":"#), "{line}");
    }
}

#[test]
fn the_page_names_every_type_kind_and_code() {
    let codes = ErrorCode::KNOWN.map(|code| serde_json::to_string(&code).expect("a text"));
    let types = REQUESTS.iter().chain(MESSAGES).filter_map(|line| {
        let (_, rest) = line.split_once(r#""type":"#)?;
        rest.split([',', '}']).next().map(ToOwned::to_owned)
    });
    for name in codes.into_iter().chain(types) {
        let name = name.trim_matches('"').to_owned();
        assert!(PROTOCOL_MD.contains(&format!("`{name}`")), "PROTOCOL.md does not name `{name}`");
    }
}

#[test]
fn each_known_code_stands_once_in_the_list() {
    for (place, code) in ErrorCode::KNOWN.iter().enumerate() {
        assert_eq!(*code as usize, place);
    }
}

#[test]
fn what_this_version_does_not_know_is_no_error() {
    let event =
        br#"{"type":"event","room":"lobby","seq":7,"at":"2026-11-22T08:00:00Z","user":8,"by":"bo","kind":"dance"}"#;
    let ServerMessage::Event(event) = decode_server_message(event).expect("readable") else { panic!() };
    assert_eq!((event.seq.get(), event.kind), (7, EventKind::Unknown));
    let watching = concat!(
        r#"{"type":"watching","re":1,"room":"a","epoch":"k","head":1,"resume":"reset","#,
        r#""reason":"full_moon","mood":"good"}"#
    );
    let ServerMessage::Watching(watching) = decode_server_message(watching.as_bytes()).expect("readable")
    else {
        panic!()
    };
    assert_eq!((watching.resume, watching.reason), (Resume::Reset, Some(ResetReason::Unknown)));
    let goodbye = br#"{"type":"goodbye","reason":"lunch","message":"bye","reconnect":true}"#;
    let ServerMessage::Goodbye(goodbye) = decode_server_message(goodbye).expect("readable") else { panic!() };
    assert_eq!(goodbye.reason, GoodbyeReason::Unknown);
}
