//! `rows`: how fast a broker does the common kinds of work, one row each: rates, and the broker's CPU time per
//! message; and what a confirm costs when each is waited for, beside a bare fdatasync on the same disk.
//!
//! Every row of every run has a fresh broker, unless one is named that runs already (`--url`). The runs go round
//! all rows, so that a slow minute of the machine does not fall on one row alone. Figures of different
//! machines, or of different days, do not compare.

mod work;

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use leveret_bench::figures::{grouped, median, print_line};
use leveret_bench::observe::{BareSync, busy_share};
use leveret_bench::options::{Known, Options};
use leveret_bench::target::{TARGET_OPTIONS, Target};

use work::{ROWS, Row, Seen, single_times};

/// The bytes of a message whose confirm is waited for, and of the record that is synced beside it.
const SINGLE_BYTES: usize = 256;

/// How long the machine is looked at before anything is started.
const OVERTURE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rows: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut known: Vec<Known> = vec![
        ("runs", "how often each row is measured; the medians are printed (3)"),
        ("count", "how many messages a row has (2000000)"),
        ("singles", "how many confirms are waited for one by one, 0 for none (2000)"),
        ("only", "a part of the names of the rows that are wanted (all)"),
    ];
    known.extend(TARGET_OPTIONS);
    let options = Options::read(&known, env::args().skip(1))?;
    let target = Target::read(&options)?;
    let runs = options.count("runs", 3, 1)?;
    let count = options.count("count", 2_000_000, 1_000)?;
    let singles = options.count("singles", 2_000, 0)?;
    let only = options.text("only").unwrap_or_default();
    let rows: Vec<&Row> = ROWS.iter().filter(|row| row.name.contains(only)).collect();
    let busy = busy_share(OVERTURE)?;

    let mut seen: Vec<Vec<Seen>> = rows.iter().map(|_| Vec::new()).collect();
    let mut single = Singles::default();
    for run in 1..=runs {
        for (row, seen) in rows.iter().zip(&mut seen) {
            eprintln!("run {run} of {runs}: {}", row.name);
            seen.push(row.measure(&target.fresh()?, count)?);
        }
        if singles > 0 {
            eprintln!("run {run} of {runs}: confirms one at a time");
            single.measure(&target, singles as usize)?;
        }
    }

    println!("medians of {runs} runs; the machine was {:.0} % busy before", busy * 100.0);
    if !rows.is_empty() {
        println!();
        println!("{} messages a row, each published and consumed", grouped(count));
        print_line("", &["messages/s", "lowest", "highest", "CPU/message"].map(str::to_owned));
    }
    for (row, seen) in rows.iter().zip(&seen) {
        print_row(row, seen);
    }
    if singles > 0 {
        single.print();
    }
    Ok(())
}

fn print_row(row: &Row, seen: &[Seen]) {
    let rates: Vec<f64> = seen.iter().map(Seen::rate).collect();
    let lowest = rates.iter().copied().reduce(f64::min);
    let highest = rates.iter().copied().reduce(f64::max);
    let rate = |value: Option<f64>| value.map_or("-".to_owned(), |rate| grouped(rate as u64));
    let cpu: Vec<f64> = seen.iter().filter_map(Seen::cpu_micros).collect();
    let cpu = median(&cpu).map_or("-".to_owned(), |micros| format!("{micros:.2} µs"));
    print_line(row.name, &[rate(median(&rates)), rate(lowest), rate(highest), cpu]);
}

/// Confirms that are waited for one by one, and bare syncs beside them.
#[derive(Default)]
struct Singles {
    /// Of each run, the median and the 99th percentile.
    confirms: Vec<(Duration, Duration)>,
    syncs: Vec<(Duration, Duration)>,
}

impl Singles {
    fn measure(&mut self, target: &Target, rounds: usize) -> Result<(), Box<dyn Error>> {
        let subject = target.fresh()?;
        let mut bare = BareSync::new(target.parent(), SINGLE_BYTES)?;
        let times = single_times(&subject, &mut bare, SINGLE_BYTES, rounds)?;
        self.confirms.extend(percentiles(times.confirms));
        self.syncs.extend(percentiles(times.syncs));
        Ok(())
    }

    fn print(&self) {
        println!();
        print_line("", &["p50", "p99"].map(str::to_owned));
        print_percentiles("a durable 256 B message, confirms one at a time", &self.confirms);
        print_percentiles("fdatasync of 256 B in a preallocated file", &self.syncs);
    }
}

fn percentiles(mut times: Vec<Duration>) -> Option<(Duration, Duration)> {
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied();
    at(50).zip(at(99))
}

fn print_percentiles(name: &str, of_runs: &[(Duration, Duration)]) {
    let column = |pick: fn(&(Duration, Duration)) -> Duration| {
        let values: Vec<Duration> = of_runs.iter().map(pick).collect();
        median(&values).map_or("-".to_owned(), |time| format!("{:.3} ms", time.as_secs_f64() * 1e3))
    };
    print_line(name, &[column(|run| run.0), column(|run| run.1)]);
}
