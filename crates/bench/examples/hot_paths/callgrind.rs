//! Counting by valgrind's callgrind.
//!
//! A path is walked twice as often in a second run of the program as in the first: the difference is the path alone,
//! whatever it took to start and to make ready. The runs have no environment, so that they are alike everywhere.

use crate::paths::HotPath;
use std::collections::BTreeMap;
use std::fmt;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The argument by which the program is told to be watched.
pub(crate) const WALK: &str = "--walk";

/// Instructions per operation, by the path's name.
pub(crate) type Counts = BTreeMap<String, f64>;

/// Counts these paths, as many at a time as there are processors: others do not disturb a count.
///
/// # Errors
/// The first [`CountError`] of any of them.
pub(crate) fn count(paths: &[&HotPath]) -> Result<Counts, CountError> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(String, Result<f64, CountError>)>> = Mutex::default();
    let processors = std::thread::available_parallelism().map_or(1, |count| count.get());
    std::thread::scope(|scope| {
        for _ in 0..processors {
            scope.spawn(|| {
                while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let counted = per_operation(path);
                    done.lock().expect("nobody panics with it").push((path.name.to_owned(), counted));
                }
            });
        }
    });
    let done = done.into_inner().expect("nobody panics with it");
    done.into_iter().map(|(name, counted)| counted.map(|count| (name, count))).collect()
}

fn per_operation(path: &HotPath) -> Result<f64, CountError> {
    let once = instructions(path.name, path.operations)?;
    let twice = instructions(path.name, 2 * path.operations)?;
    Ok(twice.saturating_sub(once) as f64 / path.operations as f64)
}

/// All instructions of a run of this program that walks a path so often.
fn instructions(name: &str, operations: u64) -> Result<u64, CountError> {
    let program = std::env::current_exe().map_err(|error| CountError::Start(error.to_string()))?;
    let mut command = Command::new("valgrind");
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    command.args([WALK, name, &operations.to_string()]);
    let output = command.output().map_err(|error| CountError::Start(error.to_string()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    match collected(&said) {
        Some(count) if output.status.success() => Ok(count),
        _ => Err(CountError::Failed { name: name.to_owned(), said: said.into_owned() }),
    }
}

/// The total in callgrind's last words: `==123== Collected : 456`.
fn collected(said: &str) -> Option<u64> {
    let (_, count) = said.lines().find_map(|line| line.split_once("Collected :"))?;
    count.trim().parse().ok()
}

/// A path that could not be counted.
#[derive(Debug)]
pub(crate) enum CountError {
    /// Valgrind could not be started, with the reason.
    Start(String),
    /// The program failed, or said no count.
    Failed {
        /// The path.
        name: String,
        /// What it and valgrind said.
        said: String,
    },
}

impl fmt::Display for CountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CountError::Start(reason) => write!(f, "valgrind cannot be started ({reason}); is it installed?"),
            CountError::Failed { name, said } => write!(f, "{name:?} could not be counted:\n{said}"),
        }
    }
}

impl std::error::Error for CountError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_in_what_callgrind_says() {
        let said = "==7== Events    : Ir\n==7== Collected : 12345\n==7== \n==7== I   refs:      12,345\n";
        assert_eq!(collected(said), Some(12_345));
        assert_eq!(collected("==7== Process terminating with default action of signal 11\n"), None);
    }
}
