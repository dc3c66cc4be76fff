//! Runs seeds and says how they went.

use crate::Violation;
use crate::world::{Tally, World};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Steps of a run unless asked for more or fewer.
const STEPS: u64 = 1_200;

/// What to run.
pub(crate) struct Options {
    first: u64,
    count: u64,
    steps: u64,
    /// Say everything that happens; a single seed only.
    trace: bool,
    single: bool,
}

impl Options {
    /// Reads the command line.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut options = Options { first: 1, count: 0, steps: STEPS, trace: false, single: false };
        while let Some(argument) = arguments.next() {
            let mut number = || -> Result<u64, String> {
                let value = arguments.next().ok_or(format!("{argument} needs a number"))?;
                value.parse().map_err(|_| format!("{argument} needs a number, not '{value}'"))
            };
            match argument.as_str() {
                "--seed" => (options.first, options.count, options.single) = (number()?, 1, true),
                "--seeds" => options.count = number()?,
                "--from" => options.first = number()?,
                "--steps" => options.steps = number()?,
                "--trace" => options.trace = true,
                _ => return Err(format!("unknown argument '{argument}'")),
            }
        }
        if options.count == 0 {
            return Err("nothing to run".into());
        }
        Ok(options)
    }
}

/// Runs the seeds. Answers whether all of them went well.
pub(crate) fn run(options: &Options) -> bool {
    let mut failed = 0;
    let mut total = Tally::default();
    for seed in options.first..options.first + options.count {
        let outcome = run_caught(seed, options);
        total.add(&outcome.tally);
        match outcome.result {
            Ok(()) if options.single => {
                println!("seed {seed}: well, trace {:016x}, {:?}", outcome.trace, outcome.tally);
            }
            Ok(()) => {}
            Err(violation) => {
                failed += 1;
                println!("seed {seed}: {violation}");
                println!("  after {} steps; replay: cargo run -p sim -- --seed {seed}", outcome.tally.steps);
            }
        }
    }
    if !options.single {
        println!("{} of {} seeds went well; {total:?}", options.count - failed, options.count);
    }
    failed == 0
}

/// How a run went.
struct Outcome {
    result: Result<(), Violation>,
    trace: u64,
    tally: Tally,
}

/// Runs a seed; a panic of the broker's is a violation, too.
fn run_caught(seed: u64, options: &Options) -> Outcome {
    let mut outcome = Outcome { result: Ok(()), trace: 0, tally: Tally::default() };
    let ran = catch_unwind(AssertUnwindSafe(|| run_seed(seed, options, &mut outcome)));
    outcome.result = ran.unwrap_or_else(|_| Err(Violation("the broker panicked".into())));
    outcome
}

fn run_seed(seed: u64, options: &Options, outcome: &mut Outcome) -> Result<(), Violation> {
    let mut world = World::new(seed, options.trace && options.single)?;
    let mut result = Ok(());
    for _ in 0..options.steps {
        result = world.step();
        outcome.tally = world.tally;
        if result.is_err() {
            break;
        }
    }
    if result.is_ok() {
        result = world.finish();
    }
    (outcome.trace, outcome.tally) = (world.trace_hash(), world.tally);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(first: u64, count: u64) -> Options {
        Options { first, count, steps: 300, trace: false, single: false }
    }

    #[test]
    fn a_seed_does_the_same_again() {
        for seed in [1, 2, 3] {
            let once = run_caught(seed, &options(seed, 1));
            let again = run_caught(seed, &options(seed, 1));
            assert_eq!(once.trace, again.trace);
            assert_ne!(once.trace, run_caught(seed + 1, &options(seed + 1, 1)).trace);
        }
    }

    /// With the assertions of a debug build, which the long runs do without.
    #[test]
    fn a_few_seeds_go_well() {
        assert!(run(&options(100, 24)));
    }

    #[test]
    fn a_command_line_is_read_or_refused() {
        let parse = |line: &str| Options::parse(line.split_whitespace().map(str::to_owned));
        assert!(parse("--seed 7 --trace").is_ok_and(|options| options.single && options.first == 7));
        assert!(parse("--seeds 300 --from 10").is_ok_and(|options| options.count == 300));
        for wrong in ["", "--seeds", "--seeds many", "--weather"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
