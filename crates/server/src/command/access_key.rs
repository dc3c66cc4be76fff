//! `leveret access-key`: makes, lists and deletes the keys with which requests to SQS and SNS are signed.

use super::{USAGE, fail};
use crate::broker::Clock;
use crate::control::{KeyShown, NewKey, Reply, Request, ask};
use crate::options;
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::json;
use std::process::ExitCode;

/// Exit code for what could not be done.
const FAILED: u8 = 1;

pub(super) fn command() -> Command {
    let user = Arg::new("user").long("user").value_name("NAME").default_value("guest");
    let id = Arg::new("ID").help("The id of the key").required(true);
    let create = Command::new("create")
        .about("Make a key, and show its secret this once")
        .arg(user.help("The user that the key stands for"));
    let delete = Command::new("delete").about("Delete a key: what it signs is refused from now on").arg(id);
    Command::new("access-key")
        .about("Manage the access keys of users of SQS and SNS, with or without a running broker")
        .subcommand_required(true)
        .subcommand(for_machines(create))
        .subcommand(for_machines(Command::new("list").about("List the keys of all users, without secrets")))
        .subcommand(for_machines(delete))
}

pub(super) fn run(given: &ArgMatches) -> ExitCode {
    let (name, given) = given.subcommand().expect("clap demands one of the commands");
    let text = |argument| given.get_one::<String>(argument).cloned();
    let request = match name {
        "create" => Request::CreateAccessKey { user: text("user").expect("it has a default") },
        "list" => Request::ListAccessKeys,
        "delete" => Request::DeleteAccessKey { id: text("ID").expect("clap demands it") },
        // clap knows no other.
        _ => return ExitCode::from(USAGE),
    };
    let data = match options::data_folder(given, |name| std::env::var_os(name)) {
        Ok(data) => data,
        Err(error) => return fail(USAGE, &error),
    };
    match ask(&data, &request) {
        Ok(reply) => {
            println!("{}", if given.get_flag("json") { json_of(&reply) } else { text_of(&reply) });
            ExitCode::SUCCESS
        }
        Err(error) => fail(FAILED, &error),
    }
}

/// The command with the options that all of them have.
fn for_machines(command: Command) -> Command {
    let json = Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON");
    command.arg(json).args(options::data_folder_flags())
}

/// What is done, for people.
fn text_of(reply: &Reply) -> String {
    match reply {
        Reply::Done => "deleted".into(),
        Reply::NewAccessKey(NewKey { id, secret, user, .. }) => format!(
            "access key id      {id}\nsecret access key  {secret}\nuser               {user}\n\n\
             The secret is not shown again."
        ),
        Reply::AccessKeys(keys) if keys.is_empty() => "there are no access keys".into(),
        Reply::AccessKeys(keys) => table(keys, Clock::start().now().0),
        Reply::Refused(text) => text.clone(),
    }
}

/// The same, for machines.
fn json_of(reply: &Reply) -> String {
    let value = match reply {
        Reply::Done => json!({}),
        Reply::NewAccessKey(key) => json!(key),
        Reply::AccessKeys(keys) => json!(keys),
        Reply::Refused(text) => json!({ "error": text }),
    };
    value.to_string()
}

/// The keys below one another.
fn table(keys: &[KeyShown], now_ms: u64) -> String {
    let ids = keys.iter().map(|key| key.id.len()).max().unwrap_or_default();
    let users = keys.iter().map(|key| key.user.chars().count()).max().unwrap_or_default();
    let line = |key: &KeyShown| {
        let KeyShown { id, user, created_at_ms } = key;
        format!("{id:ids$}  {user:users$}  made {} ago", length(now_ms.saturating_sub(*created_at_ms)))
    };
    keys.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A length of time in its largest whole unit.
fn length(ms: u64) -> String {
    let units = [(86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second")];
    let (unit_ms, unit) = units.into_iter().find(|(unit_ms, _)| ms >= *unit_ms).unwrap_or((1_000, "second"));
    let count = ms / unit_ms;
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(id: &str, user: &str, created_at_ms: u64) -> KeyShown {
        KeyShown { id: id.into(), user: user.into(), created_at_ms }
    }

    #[test]
    fn keys_stand_below_one_another() {
        let now_ms = 10 * 86_400_000;
        let keys =
            [shown("LKIAA", "jürgen", now_ms - 1), shown("LKIABCD", "guest", now_ms - 2 * 86_400_000 - 5)];
        let expected = "LKIAA    jürgen  made 0 seconds ago\nLKIABCD  guest   made 2 days ago";
        assert_eq!(table(&keys, now_ms), expected);
        assert_eq!(table(&keys[..1], 0), "LKIAA  jürgen  made 0 seconds ago", "a clock that went back");
    }

    #[test]
    fn lengths_are_in_their_largest_unit() {
        let known = [
            (999, "0 seconds"),
            (1_000, "1 second"),
            (59_999, "59 seconds"),
            (60_000, "1 minute"),
            (7_200_000, "2 hours"),
            (86_400_000, "1 day"),
            (400 * 86_400_000, "400 days"),
        ];
        for (ms, text) in known {
            assert_eq!(length(ms), text);
        }
    }

    #[test]
    fn machines_get_json() {
        let made = NewKey { id: "A".into(), secret: "s".into(), user: "u".into(), created_at_ms: 5 };
        let expected = r#"{"created_at_ms":5,"id":"A","secret":"s","user":"u"}"#;
        assert_eq!(json_of(&Reply::NewAccessKey(made.clone())), expected);
        let expected = r#"[{"created_at_ms":7,"id":"A","user":"u"}]"#;
        assert_eq!(json_of(&Reply::AccessKeys(vec![shown("A", "u", 7)])), expected);
        assert_eq!(json_of(&Reply::Done), "{}");
        assert!(!format!("{made:?}").contains("\"s\""));
    }
}
