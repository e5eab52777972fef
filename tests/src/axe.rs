//! axe-core, which finds barriers in pages: what a screen reader, a keyboard or weak eyes would stumble over.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::browser::Browser;

/// The file of axe-core that `cargo xtask test` names.
const VARIABLE: &str = "TEAHOUSE_AXE";
/// Where it is otherwise, in the user's cache.
const CACHED: &str = "teahouse/tools/axe-core-4.14.1/node_modules/axe-core/axe.min.js";

/// Everything that axe-core knows of the levels A and AA up to WCAG 2.2, and of good practice; two rules of that are not
/// looked at unless they are asked for.
const RUN: &str = "
    return axe.run(document, {
        resultTypes: ['violations'],
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
        rules: { 'target-size': { enabled: true }, 'label-content-name-mismatch': { enabled: true } },
    }).then(results => results.violations.flatMap(rule => rule.nodes.map(node =>
        `${rule.id} (${rule.impact}) at ${node.target.join(' ')}: ${node.failureSummary}`)));";

/// The program, to be put into pages.
#[derive(Debug)]
pub struct Axe {
    script: String,
}

impl Axe {
    /// Reads it.
    pub fn load() -> Self {
        let path = path();
        let script = std::fs::read_to_string(&path).unwrap_or_else(|error| {
            panic!("{}: {error}; `cargo xtask test` installs axe-core there", path.display())
        });
        Self { script }
    }

    /// The barriers in the page as it is now.
    pub async fn barriers(&self, browser: &Browser) -> Vec<String> {
        if browser.run("return typeof axe", json!([])).await == "undefined" {
            browser.run(&self.script, json!([])).await;
        }
        let found = browser.run(RUN, json!([])).await;
        let list = found.as_array().unwrap_or_else(|| panic!("axe-core answers {found}"));
        list.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect()
    }
}

fn path() -> PathBuf {
    if let Some(path) = std::env::var_os(VARIABLE) {
        return path.into();
    }
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = variable("HOME");
    let cache = variable("XDG_CACHE_HOME").or_else(|| Some(home?.join(".cache")));
    cache.unwrap_or_default().join(CACHED)
}
