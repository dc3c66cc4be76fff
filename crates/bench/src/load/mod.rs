//! `leveret bench`: load over real protocols against any broker, and what was seen of it.
//!
//! A [`row`] says what is published and consumed, [`run`] does it through a [`door`], [`measure`] counts and times,
//! [`report`] prints, [`url`] says where. Nothing here knows which broker it is.

mod door;
mod measure;
mod open_files;
mod report;
mod row;
mod run;
mod scenario;
mod url;

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::client::Endpoint;
use crate::observe::busy_share;
use crate::target::Target;
use door::Sqs;
use measure::Process;
use report::Report;
use row::{Draft, PARAMETERS, Row};
use url::{AccessKey, Url};

/// Exit code for a broker that lost, doubled or misplaced a message, or could not be measured.
const FAILED: u8 = 1;
/// Exit code for a command line or a scenario that cannot be used.
const USAGE: u8 = 2;

/// How long the machine is looked at before anything is started.
const OVERTURE: Duration = Duration::from_secs(1);

/// Where a broker listens unless told otherwise.
const DEFAULT_URL: &str = "amqp://guest:guest@127.0.0.1:5672/";
/// What requests are signed for unless told otherwise.
const DEFAULT_REGION: &str = "us-east-1";

/// The command line of `leveret bench`.
pub fn command() -> Command {
    let option = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let parameters = PARAMETERS.iter().map(|parameter| {
        let default = if parameter.default.is_empty() { "none" } else { parameter.default };
        let help = format!("{} [default: {default}]", parameter.help);
        Arg::new(parameter.name).long(parameter.name).value_name("VALUE").help(help).help_heading("A row")
    });
    Command::new("bench")
        .about("Put load on a broker, this or another, and print what it does")
        .arg(option("url", "URL", "amqp://user:password@host:port/vhost, http://[KEY:SECRET@]host:port for SQS, beanstalk://host:port, or nats://[user:password@]host:port [default: AMQP, guest on loopback]"))
        .arg(option("access-key", "ID", "The access key that signs requests of SQS, if the URL has none").requires("secret-key"))
        .arg(option("secret-key", "SECRET", "Its secret").requires("access-key"))
        .arg(option("region", "REGION", "The region that requests are signed for [default: us-east-1]"))
        .arg(option("pid", "PID", "The broker's process, to see its CPU and memory"))
        .arg(option(
            "fresh",
            "DIR",
            "Start a broker on a fresh folder in DIR for every row, in place of a URL",
        ))
        .arg(Arg::new("sqs").long("sqs").action(ArgAction::SetTrue).requires("fresh").help("Use SQS at the broker that --fresh starts"))
        .arg(option("broker", "PATH", "The binary that --fresh starts [default: this one]").requires("fresh"))
        .arg(option("broker-args", "ARGS", "More arguments for it, with spaces between").requires("fresh"))
        .arg(option(
            "dir",
            "DIR",
            "Where bare-sync writes [default: the folder of --fresh, or the current one]",
        ))
        .arg(option("scenario", "FILE", "Rows to run: a TOML file, or one of: table, sqs"))
        .arg(option("only", "TEXT", "Run only rows with TEXT in their names"))
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print one JSON object"))
        .args(parameters)
        .mut_arg("fresh", |arg| arg.conflicts_with_all(["url", "pid", "access-key"]))
}

/// Runs `leveret bench`.
pub fn run_command(given: &ArgMatches) -> ExitCode {
    let plan = match Plan::read(given) {
        Ok(plan) => plan,
        Err(error) => {
            eprintln!("leveret bench: {error}");
            return ExitCode::from(USAGE);
        }
    };
    open_files::raise_limit();
    match plan.carry_out().and_then(|report| plan.print(&report).map(|()| report)) {
        Ok(report) if report.rows.iter().all(|(_, seen)| seen.fate.is_right()) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(FAILED),
        Err(error) => {
            eprintln!("leveret bench: {error}");
            ExitCode::from(FAILED)
        }
    }
}

/// What the command line asks for.
struct Plan {
    broker: Broker,
    rows: Vec<Row>,
    sync_folder: PathBuf,
    json: bool,
}

/// Which broker.
enum Broker {
    /// One that runs already.
    Running { url: Url, process: Process },
    /// One that is started for every row.
    Fresh { target: Target, sqs: bool },
}

impl Plan {
    fn read(given: &ArgMatches) -> Result<Self, Box<dyn Error>> {
        let text = |name: &str| given.get_one::<String>(name).map(String::as_str);
        let mut flags = Draft::default();
        for parameter in &PARAMETERS {
            if let Some(text) = text(parameter.name) {
                flags.set(parameter.name, text)?;
            }
        }
        let scenario = match text("scenario") {
            Some(name) => scenario::read(name)?,
            None => vec![("as on the command line".to_owned(), Draft::default())],
        };
        let only = text("only").unwrap_or_default();
        let mut rows = Vec::new();
        for (name, mut draft) in scenario.into_iter().filter(|(name, _)| name.contains(only)) {
            draft.add(&flags);
            rows.push(draft.row(&name)?);
        }
        if rows.is_empty() {
            return Err(format!("no row has {only:?} in its name").into());
        }
        let here = || text("fresh").unwrap_or(".");
        let sync_folder = PathBuf::from(text("dir").unwrap_or_else(here));
        Ok(Self {
            broker: Broker::read(&text, given.get_flag("sqs"))?,
            rows,
            sync_folder,
            json: given.get_flag("json"),
        })
    }

    fn carry_out(&self) -> Result<Report, Box<dyn Error>> {
        let busy_before = busy_share(OVERTURE)?;
        let mut report = Report { url: String::new(), broker: String::new(), busy_before, rows: Vec::new() };
        for (row, number) in self.rows.iter().zip(1..) {
            eprintln!("row {number} of {}: {}", self.rows.len(), row.name);
            let (subject, own);
            let (url, process) = match &self.broker {
                Broker::Running { url, process } => (url, *process),
                Broker::Fresh { target, sqs } => {
                    subject = target.fresh()?;
                    own = if *sqs {
                        Url::Sqs(Box::new(Sqs::unsigned(subject.sqs_address())))
                    } else {
                        Url::Amqp(Endpoint::guest(subject.address()))
                    };
                    (&own, Process(subject.process_id()))
                }
            };
            let door = url.door();
            if report.broker.is_empty() {
                report.broker = door.broker()?;
                report.url = url.to_string();
            }
            let seen = run::run(door.as_ref(), row, process, &self.sync_folder)?;
            report.rows.push((row.clone(), seen));
        }
        Ok(report)
    }

    fn print(&self, report: &Report) -> Result<(), Box<dyn Error>> {
        if self.json {
            writeln!(io::stdout(), "{:#}", report::json(report))?;
        } else {
            report::print(report);
        }
        Ok(())
    }
}

impl Broker {
    fn read<'a>(text: &dyn Fn(&str) -> Option<&'a str>, sqs: bool) -> Result<Self, Box<dyn Error>> {
        if let Some(folder) = text("fresh") {
            let binary = text("broker").map_or_else(env::current_exe, |path| Ok(PathBuf::from(path)))?;
            let more = text("broker-args").unwrap_or_default();
            return Ok(Self::Fresh { target: Target::own(binary, more, Path::new(folder)), sqs });
        }
        let key = text("access-key").zip(text("secret-key"));
        let region = text("region").unwrap_or(DEFAULT_REGION);
        let url = Url::parse(text("url").unwrap_or(DEFAULT_URL), AccessKey { key, region })?;
        let process = text("pid").map(|pid| pid.parse().map_err(|_| format!("--pid cannot be {pid:?}")));
        Ok(Self::Running { url, process: Process(process.transpose()?) })
    }
}
