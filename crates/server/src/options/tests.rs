use super::declared::OPTIONS;
use super::*;
use clap::Command;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;

/// Reads options from flags, variables and the text of a file.
fn read_all(
    given: &[&str],
    variables: &[(&str, &str)],
    file: Option<&str>,
) -> Result<ServeOptions, OptionError> {
    let mut on_disk = tempfile::NamedTempFile::new().unwrap();
    on_disk.write_all(file.unwrap_or_default().as_bytes()).unwrap();
    let mut line = vec!["serve".to_owned()];
    line.extend(given.iter().map(|flag| (*flag).to_owned()));
    if file.is_some() {
        line.push(format!("--config={}", on_disk.path().display()));
    }
    let matches = Command::new("serve").args(flags()).try_get_matches_from(line).unwrap();
    let variables: BTreeMap<_, _> = variables.iter().copied().collect();
    read(&matches, |name| variables.get(name).map(OsString::from)).map(|(options, _)| options)
}

fn refused(given: &[&str], variables: &[(&str, &str)], file: Option<&str>) -> String {
    read_all(given, variables, file).unwrap_err().to_string()
}

#[test]
fn nothing_said_listens_on_this_machine_alone() {
    let options = read_all(&[], &[], None).unwrap();
    assert_eq!(options.amqp, ["127.0.0.1:5672".parse().unwrap()]);
    assert_eq!(options.data, PathBuf::from("./leveret-data"));
    assert_eq!((options.shards, options.heartbeat_seconds, options.channel_max), (1, 60, 2047));
    assert_eq!(options.sqs.addresses, ["127.0.0.1:9324".parse().unwrap()]);
    assert!(options.amqps.is_empty() && options.sqs.tls_addresses.is_empty() && !options.guest_anywhere);
}

/// As for other commands, which take these two flags alone.
#[test]
fn the_data_folder_is_found_where_the_broker_finds_it() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"data = 'from-file'\nheartbeat = 'never looked at'").unwrap();
    let config = format!("--config={}", file.path().display());
    let find = |given: &[&str], variable: Option<&str>| {
        let line = [&["list"], given].concat();
        let matches = Command::new("list").args(data_folder_flags()).try_get_matches_from(line).unwrap();
        data_folder(&matches, |name| variable.filter(|_| name == "LEVERET_DATA").map(OsString::from))
    };
    assert_eq!(find(&[], None).unwrap(), PathBuf::from("./leveret-data"));
    assert_eq!(find(&[&config], None).unwrap(), PathBuf::from("from-file"));
    assert_eq!(find(&[&config], Some("from-variable")).unwrap(), PathBuf::from("from-variable"));
    assert_eq!(find(&["--data=given", &config], Some("v")).unwrap(), PathBuf::from("given"));
    let text = "--data cannot be '' (from the command line): it may be a path";
    assert_eq!(find(&["--data="], None).unwrap_err().to_string(), text);
}

#[test]
fn vhosts_to_trace_are_separated_by_commas() {
    let options = read_all(&["--trace=/, orders", "--event-exchange"], &[], None).unwrap();
    assert_eq!((options.trace, options.event_exchange), (vec!["/".into(), "orders".into()], true));
    let text = refused(&["--trace=a,,b"], &[], None);
    assert!(text.ends_with("it may be names of vhosts, separated by commas"), "{text}");
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let file = Some("heartbeat = 1\nchannel_max = 1\nlog_level = \"warn\"");
    let variables = [("LEVERET_HEARTBEAT", "2"), ("LEVERET_CHANNEL_MAX", "2"), ("LEVERET_FRAME_MAX", "")];
    let options = read_all(&["--heartbeat=3"], &variables, file).unwrap();
    assert_eq!((options.heartbeat_seconds, options.channel_max), (3, 2));
    assert_eq!(options.log_level, tracing::Level::WARN);
    assert_eq!(options.frame_max, 128 << 10, "an empty variable is none");
}

#[test]
fn an_impossible_value_names_option_source_and_bounds() {
    let text = refused(&["--frame-max=1"], &[], None);
    assert_eq!(text, "--frame-max cannot be '1' (from the command line): it may be 8 KiB to 16 MiB");
    let text = refused(&[], &[("LEVERET_SHARDS", "64")], None);
    assert_eq!(text, "--shards cannot be '64' (from the environment): it may be 1 to 63 shards");
    let text = refused(&[], &[], Some("amqp = \"nowhere\""));
    assert!(text.starts_with("--amqp cannot be 'nowhere' (from the file): "), "{text}");
    let text = refused(&["--memory-limit=101%"], &[], None);
    assert!(text.contains("1% to 100%"), "{text}");
}

#[test]
fn several_words_keep_their_order_and_come_once() {
    let mechanisms = |text: &str| read_all(&[&format!("--auth-mechanisms={text}")], &[], None);
    let chosen = mechanisms("RABBIT-CR-DEMO, PLAIN").unwrap().auth_mechanisms;
    assert_eq!(chosen, [Mechanism::RabbitCrDemo, Mechanism::Plain]);
    let listed = read_all(&[], &[], Some("auth_mechanisms = [\"PLAIN\", \"EXTERNAL\"]")).unwrap();
    assert_eq!(listed.auth_mechanisms, [Mechanism::Plain, Mechanism::External]);
    for wrong in ["", "PLAIN,", "PLAIN,PLAIN", "plain"] {
        let text = mechanisms(wrong).unwrap_err().to_string();
        assert!(text.ends_with("ANONYMOUS or RABBIT-CR-DEMO, several separated by commas"), "{text}");
    }
}

#[test]
fn a_file_with_mistakes_is_refused_with_its_name() {
    let text = refused(&[], &[], Some("heartbeats = 5"));
    assert!(text.contains("there is no option 'heartbeats'; is 'heartbeat' meant?"), "{text}");
    for (key, meant) in [
        ("amqq", Some("amqp")),
        ("max-connections", Some("max_connections")),
        ("hartbeat", Some("heartbeat")),
        ("tls_certificate", Some("tls_cert")),
        ("loglevel", Some("log_level")),
        ("x", None),
        ("vm_memory_high_watermark", None),
    ] {
        let text = refused(&[], &[], Some(&format!("{key} = 1")));
        let hint = meant.map(|meant| format!("; is '{meant}' meant?")).unwrap_or_default();
        assert!(text.ends_with(&format!("there is no option '{key}'{hint}")), "{text}");
    }
    let text = refused(&[], &[], Some("heartbeat = 1.5"));
    assert!(text.contains("'heartbeat' is of the type float"), "{text}");
    assert!(refused(&[], &[], Some("heartbeat =")).contains(".tmp"));
    assert!(refused(&["--config=/no/such/file"], &[], None).contains("/no/such/file"));
}

#[test]
fn what_needs_another_option_says_so() {
    assert_eq!(refused(&["--amqps=127.0.0.1:5671"], &[], None), "--amqps needs --tls-cert");
    assert_eq!(refused(&["--tls-verify-peer"], &[], None), "--tls-verify-peer needs --tls-ca");
    assert!(refused(&["--amqp=off", "--sqs=off"], &[], None).contains("nowhere to listen"));
}

/// The page of the options, as it follows from their declarations.
#[test]
fn the_page_of_the_options_lists_every_one_as_it_is() {
    let page = include_str!("../../../../docs/options.md");
    let lines: Vec<String> = OPTIONS
        .iter()
        .map(|option| {
            let (name, default) = (option.name, option.default_text());
            format!("| `--{name}` | {default} | {} | {} |", option.takes.bounds(), option.help)
        })
        .collect();
    let missing: Vec<_> = lines.iter().filter(|line| !page.contains(line.as_str())).collect();
    assert!(missing.is_empty(), "docs/options.md lacks:\n{missing:#?}\nAll lines:\n{}", lines.join("\n"));
}
