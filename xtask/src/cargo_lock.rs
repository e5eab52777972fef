use anyhow::{Context, Result};

/// The version of a package in the text of a Cargo.lock. Where there are several it is the first.
pub(crate) fn version_of<'a>(lock: &'a str, package: &str) -> Result<&'a str> {
    lock.split("[[package]]")
        .find(|entry| value_of(entry, "name") == Some(package))
        .and_then(|entry| value_of(entry, "version"))
        .with_context(|| format!("Cargo.lock has no package `{package}`"))
}

/// The text after `key = ` on its own line, without its quotes.
fn value_of<'a>(entry: &'a str, key: &str) -> Option<&'a str> {
    entry.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"0.2.1\"\n\n\
        [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\nsource = \"x\"\ndependencies = [\n \"name\",\n]\n";

    #[test]
    fn the_whole_name_counts() {
        assert_eq!(version_of(LOCK, "wasm-bindgen").unwrap(), "0.2.130");
    }

    #[test]
    fn a_missing_package_is_named() {
        let error = version_of(LOCK, "trunk").unwrap_err();
        assert_eq!(error.to_string(), "Cargo.lock has no package `trunk`");
    }
}
