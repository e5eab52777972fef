//! Real Python.

use tokio::process::Command;

use crate::process::Process;

/// Runs a script.
pub fn python(script: &str) -> Process {
    let mut command = Command::new("python3");
    // `-u`: what it prints is there at once, as at a prompt.
    command.args(["-u", "-c", script]).env("PYTHONIOENCODING", "utf-8");
    Process::spawn("python3", &mut command)
}

/// The script with its port changed from the tutorial's to another one, and nothing else.
pub fn on_port(script: &str, port: u16) -> String {
    assert_eq!(script.matches("2023").count(), 1, "the script names the port once");
    script.replace("2023", &port.to_string())
}
