//! The stories: what people do with Teahouse, done by the real programs.

mod one_room;

mod restart;
mod shutdown;

mod long_history;
mod long_message;

mod protocol_document;
mod readme;
mod tutorial;

mod first_words;
mod typing;

mod bad_lines;
mod bad_values;
mod bounds;
mod handshakes;
mod proxies;
mod startup;
mod unfinished;

mod leases;
mod lost_answers;
mod presence;
mod rooms_that_go;
mod under_a_path;
mod web_files;

mod terminal_client;

mod maintenance;
mod one_name;
mod private_data;
mod standard_input;
mod standard_streams;
mod terminal_line;

mod browser_access;
mod browser_composer;
mod browser_covers;
mod browser_history;
mod browser_identity;
mod browser_links;
mod browser_look;
mod browser_messages;
mod browser_offline;
mod browser_plain_http;
mod browser_room_list;
mod browser_rooms;
mod browser_speed;
mod browser_storage;
mod browser_tabs;
mod browser_words;

mod development;
