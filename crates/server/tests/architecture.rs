//! The tree is the architecture: which crate may see which, and what no folder or file may be called.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What each crate of the workspace may depend on, of the workspace and of what has a will of its own.
const MAY_SEE: [(&str, &[&str]); 8] = [
    ("leveret-log", &[]),
    ("leveret-core", &["leveret-log"]),
    ("leveret-amqp", &["leveret-core"]),
    ("leveret-sqs", &["leveret-core"]),
    ("leveret-rig", &["leveret-log", "leveret-core"]),
    ("leveret-server", &["leveret-log", "leveret-core", "leveret-amqp", "leveret-sqs", "leveret-bench"]),
    ("sim", &["leveret-log", "leveret-core", "leveret-amqp"]),
    ("leveret-bench", &["leveret-log", "leveret-core", "leveret-amqp", "leveret-sqs"]),
];

/// Crates that only the server may use: runtimes, sockets, randomness, clocks.
const SERVER_ONLY: [&str; 8] =
    ["tokio", "tokio-rustls", "rustls", "getrandom", "rand", "tracing", "chrono", "time"];

/// Names that say nothing.
const SAYS_NOTHING: [&str; 8] = ["util", "utils", "common", "helper", "helpers", "misc", "shared", "manager"];

#[test]
fn crates_see_only_what_lies_below_them() {
    let allowed: BTreeMap<_, BTreeSet<_>> =
        MAY_SEE.iter().map(|(name, sees)| (*name, sees.iter().copied().collect())).collect();
    let packages = workspace();
    let names: BTreeSet<&str> = packages.keys().map(String::as_str).collect();
    assert_eq!(names, allowed.keys().copied().collect(), "a new crate needs a line here");
    for (name, dependencies) in &packages {
        let inside: BTreeSet<_> =
            dependencies.iter().map(String::as_str).filter(|used| names.contains(used)).collect();
        let wrong: Vec<_> = inside.difference(&allowed[name.as_str()]).collect();
        assert!(wrong.is_empty(), "{name} must not depend on {wrong:?}");
    }
}

#[test]
fn only_the_server_has_a_clock_and_sockets() {
    for (name, dependencies) in workspace() {
        let wrong: Vec<_> = dependencies.iter().filter(|used| SERVER_ONLY.contains(&used.as_str())).collect();
        assert!(name == "leveret-server" || wrong.is_empty(), "{name} must not depend on {wrong:?}");
    }
}

#[test]
fn every_name_says_something() {
    let mut ahead = vec![root().join("crates"), root().join("docs"), root().join("tests")];
    while let Some(folder) = ahead.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the repository can be read") {
            let path = entry.expect("its entries, too").path();
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
            if stem.starts_with('.') || stem == "node_modules" || stem == "target" {
                continue;
            }
            assert!(!SAYS_NOTHING.contains(&stem.as_str()), "{} says nothing", path.display());
            if path.is_dir() {
                ahead.push(path);
            }
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The crates of the workspace with what they depend on; what only their tests use does not count.
fn workspace() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs this test, so it is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let entry = |package: &Value| {
        let all = package["dependencies"].as_array().cloned().unwrap_or_default();
        let used = all.iter().filter(|dependency| dependency["kind"] != "dev");
        (text(&package["name"]), used.map(|dependency| text(&dependency["name"])).collect())
    };
    packages.iter().map(entry).collect()
}
