//! What every view holds: the model, the driver, and the state that is the views' own.

mod settings;
mod window;

use std::rc::Rc;
use std::time::Duration;

use leptos::prelude::*;
use teahouse_client_core::{Config, Intent, NameProblem, Notice};
use teahouse_protocol::RoomName;

use crate::address::{Address, Named};
use crate::clipboard;
use crate::covering::Covering;
use crate::driver::{Beginning, Driver, Mention};
use crate::i18n::{Lang, Phrase, Text};
use crate::model::{Link, Model, put};
use crate::notify;
use crate::page::{self, Drawers, Theme};

/// The room that everybody comes into first.
const LOBBY: &str = "lobby";
/// How many events of history are asked for at a time.
const HISTORY_PAGE: u32 = 80;

/// A dialog that covers the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialog {
    /// Find a room.
    Switcher,
    /// The keys and commands.
    Keys,
    /// Name, notifications, signing out.
    Settings,
}

/// A panel that slides in on a small screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drawer {
    /// The list of rooms.
    Rooms,
    /// The members.
    Members,
}

/// Something said in passing, which goes away by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Toast {
    /// The user has left this room, and may want to be back.
    Left(RoomName),
    /// Something is in the clipboard now.
    Copied,
    /// The browser keeps the clipboard for itself.
    NotCopied,
    /// The address names a message that does not exist.
    NoSuchMessage,
    /// The address names no place.
    NoSuchPlace,
}

/// Text to be put into the composer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Insertion {
    /// Where the caret stands, with a space before it.
    Words(String),
    /// On lines of its own, with the caret after it.
    Lines(String),
}

/// The handle that every view holds; a copy is the same handle.
#[derive(Clone, Copy)]
pub(crate) struct App {
    driver: StoredValue<Rc<Driver>, LocalStorage>,
    /// What there is to see.
    pub(crate) model: Model,
    /// The language.
    pub(crate) lang: RwSignal<Lang>,
    /// The language that was chosen; `None` follows the browser.
    pub(crate) chosen_lang: RwSignal<Option<Lang>>,
    /// Whether the user wants notifications, where the browser allows them.
    pub(crate) notify: RwSignal<bool>,
    /// What stands in the field for a name.
    pub(crate) typed_name: RwSignal<String>,
    /// The theme; `None` follows the system.
    pub(crate) theme: RwSignal<Option<Theme>>,
    /// Whether the members' panel stands open on a wide screen.
    pub(crate) members_shown: RwSignal<bool>,
    /// The drawer that is open on a small screen.
    pub(crate) drawer: RwSignal<Option<Drawer>>,
    /// The dialog that is open.
    pub(crate) dialog: RwSignal<Option<Dialog>>,
    /// Whether the user has been let in since the page was loaded; until then the welcome page stays.
    pub(crate) entered: RwSignal<bool>,
    /// Whether the newest message of the open room is in view.
    pub(crate) at_bottom: RwSignal<bool>,
    /// Which lists are drawers for want of width.
    pub(crate) drawers: RwSignal<Drawers>,
    /// What is said in passing.
    pub(crate) toast: RwSignal<Option<Toast>>,
    /// What a screen reader is told of other rooms.
    pub(crate) told: RwSignal<String>,
    /// Asks the timeline to go to its end.
    pub(crate) to_latest: Trigger,
    /// The message that the address names.
    pub(crate) target: RwSignal<Option<Address>>,
    /// Text to be put into the composer.
    pub(crate) insert: RwSignal<Option<Insertion>>,
    covering: Covering,
}

impl App {
    /// Sets everything in motion. To be called once, inside the root owner.
    pub(crate) fn start(beginning: Beginning) -> Self {
        let model = Model::new();
        let covering = Covering::new();
        let toast = RwSignal::new(None);
        let address = match page::named() {
            Named::Nothing => None,
            Named::Place(address) => Some(address),
            Named::Broken(room) => {
                toast.set(Some(Toast::NoSuchPlace));
                page::correct_address(room.as_ref());
                room.map(|room| Address { room, seq: None })
            }
        };
        let target = RwSignal::new(address.clone().filter(|address| address.seq.is_some()));
        let dialog = covering.dialog;
        let lang = RwSignal::new(Lang::En);
        let on_notice = move |notice| match notice {
            Notice::Help => put(dialog, Some(Dialog::Keys)),
            // A list to choose from says more than a line of names.
            Notice::Rooms { .. } => put(dialog, Some(Dialog::Switcher)),
            Notice::Left { room } => toast.set(Some(Toast::Left(room))),
            // These are plain to see; the last in the banner.
            Notice::Joined { .. }
            | Notice::LeftElsewhere { .. }
            | Notice::Goodbye { reconnect: true, .. } => {}
            // Who asked for it in the settings is answered there.
            Notice::NameTaken { name } if dialog.get_untracked() == Some(Dialog::Settings) => {
                model.name_refused.set(Some(NameProblem::Taken(name)));
            }
            notice => model.notice(notice),
        };
        let told = RwSignal::new(String::new());
        let notify = RwSignal::new(true);
        let on_mention = move |mention: Mention| {
            let lang = lang.get_untracked();
            // What is said in the open room is told with its other messages.
            if model.active.with_untracked(|active| *active != Some(mention.room.clone())) {
                let (by, room) = (mention.by.as_str(), mention.room.as_str());
                told.set(Phrase::Mentioned { by, room }.in_lang(lang));
            }
            if notify.get_untracked() {
                notify::mention(lang, &mention);
            }
        };
        let driver = Driver::new(config(address), beginning, model, on_notice, on_mention);
        let app = Self {
            driver: StoredValue::new_local(Rc::clone(&driver)),
            model,
            lang,
            chosen_lang: RwSignal::new(None),
            notify,
            typed_name: RwSignal::new(String::new()),
            theme: RwSignal::new(None),
            members_shown: RwSignal::new(true),
            drawer: covering.drawer,
            dialog,
            entered: RwSignal::new(model.link.with_untracked(|link| !matches!(link, Link::NeedsName(_)))),
            at_bottom: RwSignal::new(true),
            drawers: RwSignal::new(page::drawers()),
            toast,
            told,
            to_latest: Trigger::new(),
            target,
            insert: RwSignal::new(None),
            covering,
        };
        app.take_settings();
        driver.start();
        app.show_target();
        app.give_attention();
        app.keep_page_up_to_date();
        app.listen();
        app
    }

    /// A text in the reader's language; follows the switch of languages.
    pub(crate) fn say(self, text: Text) -> &'static str {
        text.in_lang(self.lang.get())
    }

    /// The same for a place in a view. One type for all texts: every closure of its own costs the page a kilobyte.
    pub(crate) fn text(self, text: Text) -> impl Fn() -> &'static str + Copy + Send + Sync + 'static {
        move || self.say(text)
    }

    /// The same with something in it.
    pub(crate) fn phrase(self, phrase: &Phrase<'_>) -> String {
        phrase.in_lang(self.lang.get())
    }

    /// The same without following the switch of languages.
    pub(crate) fn phrase_untracked(self, phrase: &Phrase<'_>) -> String {
        phrase.in_lang(self.lang.get_untracked())
    }

    /// The store is there, or is known to be closed to this page.
    pub(crate) fn begin_anew(self, beginning: Beginning) {
        // Who has come in meanwhile without a store is not taken for somebody else.
        let anew = self.model.is_nobody()
            || (matches!(beginning, Beginning::Kept(..)) && self.model.me.get_untracked().is_none());
        if anew {
            let address = match page::named() {
                Named::Place(address) => Some(address),
                Named::Nothing | Named::Broken(_) => None,
            };
            self.driver.with_value(|driver| driver.restart(config(address), beginning));
            self.show_target();
            self.give_attention();
        }
    }

    /// Whether the model is about to be brought up to date, in the next frame.
    pub(crate) fn is_refresh_due(self) -> bool {
        self.driver.try_with_value(|driver| driver.is_refresh_due()).unwrap_or_default()
    }

    /// The user wants something. While nobody knows who that is, only what one can have without being anybody.
    pub(crate) fn intend(self, intent: Intent) {
        let reading = matches!(
            intent,
            Intent::Open(_)
                | Intent::Show { .. }
                | Intent::LoadOlder(_)
                | Intent::LoadBefore { .. }
                | Intent::LoadAfter { .. }
                | Intent::ReconnectNow
                | Intent::RefreshRooms
        );
        if self.model.is_nobody() && !reading {
            return;
        }
        if matches!(intent, Intent::Discard(_)) {
            // The button goes with its message, and who has the words back goes on with them.
            set_timeout(page::focus_composer, Duration::ZERO);
        }
        self.driver.with_value(|driver| driver.intend(intent));
    }

    /// What the brain has for a room's composer at this moment.
    pub(crate) fn draft(self, room: &RoomName) -> String {
        self.driver.with_value(|driver| driver.draft(room))
    }

    /// Opens a room, and closes what covered it.
    pub(crate) fn open(self, room: RoomName) {
        if self.model.active.with_untracked(|active| active.as_ref() != Some(&room)) {
            self.move_to(Intent::Open(room));
        }
        self.covering.close_all();
    }

    /// Makes a room, where there is none of this name, and opens it.
    pub(crate) fn create(self, room: RoomName) {
        self.move_to(Intent::Create(room));
        self.covering.close_all();
    }

    fn move_to(self, intent: Intent) {
        // Whoever goes on has no use for the way back.
        put(self.toast, None);
        self.model.clear_notices();
        self.covering.while_moving(|| self.intend(intent));
    }

    /// Closes the uppermost thing that covers the page. Answers whether there was one.
    pub(crate) fn close_cover(self) -> bool {
        self.covering.close_one()
    }

    /// No message is marked any more: the address is the room's again.
    pub(crate) fn unmark(self) {
        if let Named::Place(Address { room, seq: Some(_) }) = page::named() {
            page::correct_address(Some(&room));
        }
    }

    /// The message that the address names does not exist.
    pub(crate) fn missed(self) {
        put(self.target, None);
        self.unmark();
        self.toast.set(Some(Toast::NoSuchMessage));
    }

    /// Puts a text into the clipboard, and says so.
    pub(crate) fn copy(self, text: &str) {
        clipboard::copy(text, move |copied| {
            self.toast.set(Some(if copied { Toast::Copied } else { Toast::NotCopied }));
        });
    }

    /// Goes where the address says.
    fn go_to_address(self) {
        match page::named() {
            Named::Nothing => {}
            Named::Place(address) => {
                self.open(address.room.clone());
                if let Some(seq) = address.seq {
                    self.intend(Intent::Show { room: address.room.clone(), seq });
                }
                self.target.set(address.seq.is_some().then_some(address));
            }
            Named::Broken(room) => {
                self.toast.set(Some(Toast::NoSuchPlace));
                page::correct_address(room.clone().or_else(|| self.model.active.get_untracked()).as_ref());
                if let Some(room) = room {
                    self.open(room);
                }
            }
        }
    }

    /// Opens the room `steps` further down the list of the user's rooms, or the next one there with something new.
    pub(crate) fn open_neighbour(self, steps: isize, unread_only: bool) {
        let rooms = self.model.rooms.values_untracked();
        let active = self.model.active.get_untracked();
        let count = rooms.len() as isize;
        let here = rooms.iter().position(|room| Some(&room.name) == active.as_ref());
        // From outside the list the first step leads to its first or last room.
        let here = here.map_or(if steps > 0 { -1 } else { count }, |at| at as isize);
        let wanted = (1..=count)
            .map(|distance| &rooms[(here + steps * distance).rem_euclid(count) as usize])
            .find(|room| !unread_only || room.unread > 0);
        if let Some(room) = wanted {
            self.open(room.name.clone());
        }
    }

    /// How many posts of this browser wait to be sent or were refused; told once it is known.
    pub(crate) fn count_unsent(self, told: impl FnOnce(usize) + 'static) {
        self.driver.with_value(|driver| driver.count_unsent(told));
    }

    /// Opens or closes a drawer.
    pub(crate) fn toggle_drawer(self, drawer: Drawer) {
        self.drawer.update(|open| *open = if *open == Some(drawer) { None } else { Some(drawer) });
    }

    /// Opens the message that the address names.
    fn show_target(self) {
        if let Some(Address { room, seq: Some(seq) }) = self.target.get_untracked() {
            self.intend(Intent::Show { room, seq });
        }
    }
}

fn config(address: Option<Address>) -> Config {
    let lobby = RoomName::parse(LOBBY).expect("the name is legal");
    let client = concat!("teahouse-web/", env!("CARGO_PKG_VERSION"));
    Config {
        rooms: Vec::new(),
        show: address.map(|address| address.room),
        first_rooms: vec![lobby.clone()],
        history_page: HISTORY_PAGE,
        ..Config::new(client, lobby)
    }
}
