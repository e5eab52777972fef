use super::*;

fn key(name: &str) -> KeyEvent {
    let mut modifiers = KeyModifiers::NONE;
    let mut rest = name;
    while let Some((prefix, after)) = rest.split_once('-') {
        modifiers |= match prefix {
            "C" => KeyModifiers::CONTROL,
            "M" => KeyModifiers::ALT,
            other => panic!("no modifier {other}"),
        };
        rest = after;
    }
    let code = match rest {
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "backspace" => KeyCode::Backspace,
        "delete" => KeyCode::Delete,
        "tab" => KeyCode::Tab,
        "backtab" => KeyCode::BackTab,
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        other => KeyCode::Char(other.chars().next().expect("a key")),
    };
    KeyEvent::new(code, modifiers)
}

fn words() -> Words {
    Words::new(&["ana", "andy", "小明"], &["lobby", "茶馆"])
}

fn press(editor: &mut LineEditor, keys: &str) -> Action {
    let pressed = keys.split_whitespace().map(|name| match editor.press(key(name)) {
        Action::Complete { forward } => {
            editor.complete(&words(), forward);
            Action::Edited
        }
        action => action,
    });
    pressed.last().unwrap_or(Action::Edited)
}

fn enter(editor: &mut LineEditor, text: &str) {
    editor.paste(text);
    assert_eq!(press(editor, "enter"), Action::Finished(text.into()));
}

/// The line with a bar where the caret stands.
fn shown(editor: &LineEditor) -> String {
    let (before, after) = editor.text().split_at(editor.caret());
    format!("{before}|{after}")
}

#[test]
fn keys_edit_the_line() {
    let check = |text: &str, keys: &str, expected: &str| {
        let mut editor = LineEditor::default();
        editor.paste(text);
        assert_eq!(press(&mut editor, keys), Action::Edited);
        assert_eq!(shown(&editor), expected, "{text:?} {keys}");
    };
    check("", "你 好", "你好|");
    check("你好", "left 们", "你们|好");
    check("你好", "C-b C-b C-b 早", "早|你好");
    check("你好", "home delete end backspace", "|");
    check("abc", "C-a C-f C-d", "a|c");
    check("abc", "C-a backspace", "|abc");
    check("one two", "C-w", "one |");
    check("one two ", "C-w C-y C-y", "one two two |");
    check("one two", "M-b C-k C-a C-y", "two|one ");
    check("one, two", "M-b M-b", "|one, two");
    check("one, two", "home M-f", "one|, two");
    check("one, two", "home C-right C-right", "one, two|");
    check("one two", "home M-d", "| two");
    check("one two", "M-backspace", "one |");
    check("one two", "M-b C-u", "|two");
    check("ab", "C-t", "ba|");
    check("a你c", "home right C-t", "你a|c");
    check("a", "C-t", "a|");
    check("", "C-t C-w C-k C-u C-y backspace delete left right M-b M-f up down", "|");
    check("a", "M-enter b", "a\nb|");
    check("a", "C-M-é", "aé|");
}

#[test]
fn the_caret_moves_by_graphemes() {
    let family = "👨\u{200d}👩\u{200d}👧";
    let mut editor = LineEditor::default();
    editor.paste(&format!("{family}e\u{301}🇨🇳"));
    press(&mut editor, "left");
    assert_eq!(shown(&editor), format!("{family}e\u{301}|🇨🇳"));
    press(&mut editor, "backspace");
    assert_eq!(shown(&editor), format!("{family}|🇨🇳"));
    press(&mut editor, "left delete");
    assert_eq!(shown(&editor), "|🇨🇳");
    // What joins with its neighbour leaves the caret behind the whole.
    editor.paste("🇨");
    assert!(editor.text().grapheme_indices(true).any(|(at, _)| at == editor.caret()));
}

#[test]
fn a_line_is_finished_and_recalled() {
    let mut editor = LineEditor::default();
    for line in ["一", "二", "二", "  "] {
        enter(&mut editor, line);
        assert_eq!(shown(&editor), "|");
    }
    editor.paste("半句");
    let mut check = |keys: &str, expected: &str| {
        press(&mut editor, keys);
        assert_eq!(shown(&editor), expected, "{keys}");
    };
    check("up", "二|");
    check("up", "一|");
    check("C-p", "一|");
    check("C-n", "二|");
    check("down", "半句|");
    check("down", "半句|");
}

#[test]
fn the_history_has_an_end() {
    let mut editor = LineEditor::default();
    for number in 0..=HISTORY_LINES_MAX {
        enter(&mut editor, &number.to_string());
    }
    press(&mut editor, &"up ".repeat(HISTORY_LINES_MAX + 5));
    assert_eq!(editor.text(), "1");
}

#[test]
fn tab_goes_round_the_completions() {
    let mut editor = LineEditor::default();
    editor.paste("an!");
    let mut check = |keys: &str, expected: &str| {
        press(&mut editor, keys);
        assert_eq!(shown(&editor), expected, "{keys}");
    };
    check("left tab", "ana: |!");
    check("tab", "andy: |!");
    check("tab", "an|!");
    check("tab", "ana: |!");
    check("backtab backtab", "andy: |!");
    // Any other key takes what is there.
    check("小 tab", "andy: 小明 |!");
    check("C-e C-u / j tab", "/join |");
    check("茶 tab", "/join 茶馆|");
    check("x tab", "/join 茶馆x|");
}

#[test]
fn pasted_lines_are_one_message() {
    let mut editor = LineEditor::default();
    editor.paste("一\r\n二\r三\n");
    assert_eq!(press(&mut editor, "enter"), Action::Finished("一\n二\n三\n".into()));
}

#[test]
fn what_cannot_be_a_message_is_not_taken() {
    let mut editor = LineEditor::default();
    assert_eq!(editor.paste("a"), Action::Edited);
    assert_eq!(editor.paste(&"x".repeat(TEXT_BYTES_MAX)), Action::Refuse);
    assert_eq!(shown(&editor), "a|");
}

#[test]
fn keys_that_are_more_than_editing() {
    let mut editor = LineEditor::default();
    assert_eq!(press(&mut editor, "C-d"), Action::End);
    assert_eq!(press(&mut editor, "C-c"), Action::Interrupt);
    assert_eq!(press(&mut editor, "a C-a C-d"), Action::Edited);
    assert_eq!(press(&mut editor, "C-l"), Action::Clear);
    assert_eq!(press(&mut editor, "C-z"), Action::Suspend);
    assert_eq!(press(&mut editor, "x C-j"), Action::Finished("x".into()));
    let release = KeyEvent { kind: KeyEventKind::Release, ..key("q") };
    assert_eq!(editor.press(release), Action::Edited);
    assert_eq!(editor.text(), "");
}

#[test]
fn ctrl_c_clears_the_line_first_and_forgets_nothing() {
    let mut editor = LineEditor::default();
    editor.paste("half a thought");
    assert_eq!(press(&mut editor, "C-c"), Action::Abandoned);
    assert_eq!(shown(&editor), "|");
    press(&mut editor, "up");
    assert_eq!(shown(&editor), "half a thought|");
    press(&mut editor, "C-c");
    assert_eq!(press(&mut editor, "C-c"), Action::Interrupt);
}
