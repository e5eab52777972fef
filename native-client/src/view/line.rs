use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use teahouse_client_core::{Names, Row, Span, spans};
use teahouse_protocol::{MemberName, UnixMillis};
use unicode_width::UnicodeWidthStr;

use super::style::Style;
use crate::language::Language;

/// What every line depends on.
#[derive(Debug, Clone)]
pub(crate) struct Look {
    pub(crate) style: Style,
    pub(crate) language: Language,
    pub(crate) zone: TimeZone,
}

impl Look {
    /// The moment at this place.
    pub(crate) fn local(&self, at: UnixMillis) -> Zoned {
        let millis = i64::try_from(at.get()).unwrap_or(i64::MAX);
        Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX).to_zoned(self.zone.clone())
    }

    /// `12:03 ana: 你好`; further lines of a text stand under its first.
    pub(crate) fn message<'a>(
        &self,
        at: UnixMillis,
        by: &MemberName,
        text: &str,
        action: bool,
        names: impl Into<Names<'a>>,
    ) -> String {
        let time = self.local(at).strftime("%H:%M").to_string();
        let between = if action { "* " } else { "" };
        let after = if action { " " } else { ": " };
        let indent = UnicodeWidthStr::width(format!("{time} {between}{by}{after}").as_str());
        let text = self.text(text, names.into()).replace('\n', &format!("\n{:indent$}", ""));
        format!("{} {between}{}{after}{text}", self.style.faint(&time), self.style.name(by))
    }

    fn text(&self, text: &str, names: Names<'_>) -> String {
        let mut shown = String::new();
        let mut after_block = false;
        for span in spans(text, names) {
            let is_block = matches!(span, Span::Block { .. });
            if (is_block && !shown.is_empty()) || after_block {
                shown.push('\n');
            }
            after_block = is_block;
            shown.push_str(&match span {
                Span::Text(text) => text,
                Span::Link { text, .. } => self.style.link(&text),
                Span::Mention { text, me } => self.style.mention(&text, me),
                Span::Code(text) => self.style.code(&text),
                Span::Block { language, code } => self.block(language.as_deref(), &code),
            });
        }
        // A terminal's tab stops know nothing of the indentation.
        shown.replace('\t', "    ")
    }

    /// Lines of code, a little further to the right, under the name of their language.
    fn block(&self, language: Option<&str>, code: &str) -> String {
        let label = language.map(|language| self.style.faint(&format!("{language}:")));
        let lines = code.split('\n').map(|line| format!("  {}", self.style.code(line)));
        label.into_iter().chain(lines).collect::<Vec<_>>().join("\n")
    }

    /// The local offset from UTC, as rows want it.
    pub(crate) fn offset_minutes(&self, at: UnixMillis) -> i32 {
        self.local(at).offset().seconds() / 60
    }

    /// A row as it is printed; `None`: it is nothing to print.
    pub(crate) fn row(&self, row: &Row, names: Names<'_>) -> Option<String> {
        Some(match row {
            Row::Day { year, month, day, .. } => self.day(*year, *month, *day)?,
            Row::Unread => return None,
            Row::Message { by, at, text, action, mine, .. } => {
                // Nobody is told of what they said themselves.
                let me = names.me.filter(|_| !mine);
                self.message(*at, by, text, *action, Names { me, ..names })
            }
            Row::Members { joined, left, .. } => self.aside(&self.language.members(joined, left)),
            Row::Created { by, .. } => self.aside(&self.language.created(by)),
            Row::Gap { .. } => self.aside("…"),
        })
    }

    fn day(&self, year: i32, month: u32, day: u32) -> Option<String> {
        let day = Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()?;
        let text = match self.language {
            Language::English => day.strftime("%A, %-d %B %Y").to_string(),
            Language::Chinese => {
                let weekday = ["一", "二", "三", "四", "五", "六", "日"]
                    [usize::try_from(day.weekday().to_monday_zero_offset()).unwrap_or(0)];
                format!("{}年{}月{}日 星期{weekday}", day.year(), day.month(), day.day())
            }
        };
        Some(self.style.faint(&format!("── {text} ──")))
    }

    /// Something that is no message.
    pub(crate) fn aside(&self, text: &str) -> String {
        self.style.faint(&format!("· {text}"))
    }

    /// Something that went wrong.
    pub(crate) fn alarm(&self, text: &str) -> String {
        self.style.alarm(&format!("! {text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(style: Style, language: Language) -> Look {
        Look { style, language, zone: TimeZone::fixed(jiff::tz::offset(8)) }
    }

    fn name(text: &str) -> MemberName {
        MemberName::parse(text).expect("a legal name")
    }

    fn check(by: &str, text: &str, action: bool, expected: &str) {
        let at = UnixMillis::parse("2026-11-22T04:03:59Z").expect("a time");
        let plain = look(Style::PLAIN, Language::English);
        assert_eq!(plain.message(at, &name(by), text, action, Some(&name("ana"))), expected);
        // Colours add escape sequences of this program's own and change nothing else.
        let colored =
            look(Style::COLORED, Language::English).message(at, &name(by), text, action, Some(&name("ana")));
        let mut bare = String::new();
        let mut parts = colored.split("\x1b[");
        bare.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let (codes, text) = part.split_once('m').expect("only colours");
            assert!(codes.chars().all(|c| c.is_ascii_digit() || c == ';'), "{codes:?}");
            bare.push_str(text);
        }
        assert_eq!(bare, expected);
    }

    #[test]
    fn messages_are_one_line_or_stand_under_their_first() {
        check("bo", "你好", false, "12:03 bo: 你好");
        check(
            "小明",
            "你好，ana\n第二行\r\n三",
            false,
            "12:03 小明: 你好，ana\n            第二行\n            三",
        );
        check("bo", "waves\tat https://a.b.", true, "12:03 * bo waves    at https://a.b.");
    }

    #[test]
    fn code_stands_in_lines_of_its_own() {
        check(
            "bo",
            "see\n```rust\nfn f() {\n\tx();\n}\n```\nok",
            false,
            "12:03 bo: see\n          rust:\n            fn f() {\n                x();\n            }\n          ok",
        );
        check("bo", "```\n\x1b[2J\n```", false, "12:03 bo:   ␛[2J");
    }

    #[test]
    fn escape_sequences_never_reach_the_terminal() {
        check("bo", "\x1b]0;title\x07\x1b[2J\u{9b}31m", false, "12:03 bo: ␛]0;title␇␛[2J\u{fffd}31m");
        check("bo", "a\u{202e}b `\x1b[1m`", false, "12:03 bo: a\u{fffd}b ␛[1m");
    }

    #[test]
    fn days_have_names_in_both_languages() {
        let day = |language| look(Style::PLAIN, language).day(2026, 11, 23);
        assert_eq!(day(Language::English).as_deref(), Some("── Monday, 23 November 2026 ──"));
        assert_eq!(day(Language::Chinese).as_deref(), Some("── 2026年11月23日 星期一 ──"));
    }
}
