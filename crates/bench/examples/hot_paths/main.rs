//! `hot_paths`: how many instructions the hot paths take, counted by callgrind and compared with the counts that are
//! kept beside this program, so that nothing gets slower unseen.
//!
//! ```text
//! cargo run --release -p leveret-bench --example hot_paths [-- [--only TEXT] [--update]]
//! ```
//! It prints a table and fails if a count has risen by more than 3 %. `--update` keeps the new counts: a commit that
//! makes something slower has them in it, and says why. Instructions are not time: they show that something changed, on
//! a machine however busy, and `leveret bench` shows what that is worth.
//!
//! Its tests count allocations along the same paths.

#[cfg(test)]
mod allocations;
mod callgrind;
mod comparison;
mod flow;
mod kept;
mod paths;

use comparison::Comparison;
use kept::{Kept, toolchain};
use paths::HotPath;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

/// The kept counts.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/hot_paths/instructions.json");

const USAGE: &str = "usage: hot_paths [--only TEXT] [--update]";

/// What the program is to do.
#[derive(PartialEq, Eq, Debug)]
enum Task {
    /// Count, and compare with what is kept.
    Compare {
        /// A part of the names of the paths that are wanted.
        only: String,
        /// Keep the new counts.
        update: bool,
    },
    /// Be what callgrind watches: walk this path so often.
    Walk { name: String, operations: u64 },
}

fn main() -> ExitCode {
    match task(std::env::args().skip(1)).and_then(perform) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("hot_paths: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the arguments behind the program's name.
fn task(mut arguments: impl Iterator<Item = String>) -> Result<Task, Box<dyn Error>> {
    let (mut only, mut update) = (String::new(), false);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--update" => update = true,
            "--only" => only = arguments.next().ok_or(USAGE)?,
            callgrind::WALK => {
                let name = arguments.next().ok_or(USAGE)?;
                return Ok(Task::Walk { name, operations: arguments.next().ok_or(USAGE)?.parse()? });
            }
            _ => return Err(USAGE.into()),
        }
    }
    Ok(Task::Compare { only, update })
}

/// Answers whether nothing has got slower.
fn perform(task: Task) -> Result<bool, Box<dyn Error>> {
    match task {
        Task::Walk { name, operations } => {
            let path = paths::named(&name).ok_or_else(|| format!("no path is called {name:?}"))?;
            (path.walk)(operations);
            Ok(true)
        }
        Task::Compare { only, update } => {
            let wanted: Vec<&HotPath> = paths::all().filter(|path| path.name.contains(&only)).collect();
            if wanted.is_empty() {
                return Err(format!("no path has {only:?} in its name").into());
            }
            compare(&wanted, only.is_empty(), update)
        }
    }
}

/// Counts, prints, and keeps if that is wanted. `all` says that what is not counted is no more.
fn compare(wanted: &[&HotPath], all: bool, update: bool) -> Result<bool, Box<dyn Error>> {
    let file = Path::new(FILE);
    let mut kept = Kept::read(file)?;
    let counted = callgrind::count(wanted)?;
    let comparison = Comparison::of(&kept, &counted, all);
    print!("{comparison}");
    let toolchain = toolchain()?;
    let foreign = kept.toolchain != toolchain;
    if foreign {
        println!("\nThe kept counts are of {}; these are of {toolchain}.", kept.toolchain);
    }
    if update {
        if foreign && !all {
            return Err("counts of two toolchains do not go together: update all of them".into());
        }
        kept.take(counted, toolchain, all);
        kept.write(file)?;
        println!("\nThe new counts are kept in {FILE}. If one has risen, the commit says why.");
        return Ok(true);
    }
    println!("\n{}", comparison.advice(foreign));
    Ok(foreign || comparison.holds())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Task, Box<dyn Error>> {
        task(arguments.iter().map(|&argument| argument.to_owned()))
    }

    #[test]
    fn arguments_are_read() {
        let (only, update) = ("log".to_owned(), true);
        assert_eq!(read(&["--update", "--only", "log"]).unwrap(), Task::Compare { only, update });
        assert!(read(&["--only"]).is_err());
        assert!(read(&["log"]).is_err());
    }

    #[test]
    fn every_path_has_a_name_of_its_own_and_can_be_walked() {
        let mut names: Vec<_> = paths::all().map(|path| path.name).collect();
        for path in paths::all() {
            (path.walk)(path.operations);
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), paths::all().count());
    }

    #[test]
    fn every_path_has_a_kept_count() {
        let kept = Kept::read(Path::new(FILE)).unwrap();
        for path in paths::all() {
            assert!(kept.counts.contains_key(path.name), "{}: run hot_paths --update", path.name);
        }
    }
}
