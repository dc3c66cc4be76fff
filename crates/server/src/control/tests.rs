//! Both ends of the socket, and the folder at rest.

use super::client::ask_for;
use super::*;
use crate::auth::hash_password;
use crate::broker::{self, Broker, OfflineCatalog, Settings};
use leveret_core::broker::Access;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A broker that listens for nothing but this.
struct Running {
    runtime: Runtime,
    broker: Arc<Broker>,
    stop: watch::Sender<bool>,
    listening: JoinHandle<()>,
}

impl Running {
    fn start(data: &Path) -> Running {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (stop, stopping) = watch::channel(false);
        let settings = Settings {
            data: data.to_owned(),
            shards: 1,
            recent_bytes: 1 << 20,
            guest_password: hash_password("guest").unwrap(),
        };
        let (broker, listening) = runtime.block_on(async {
            let broker = broker::open(&settings).unwrap();
            let listener = ControlListener::bind(data).unwrap();
            let door = ControlDoor { broker: broker.clone(), stopping };
            (broker, tokio::spawn(listener.run(door)))
        });
        Running { runtime, broker, stop, listening }
    }

    /// Whether the broker in memory knows an access key.
    fn has(&self, id: &str) -> bool {
        self.broker.turn().catalog().access_key(id).is_some()
    }

    fn stop(self) {
        self.stop.send(true).unwrap();
        self.runtime.block_on(self.listening).unwrap();
        self.broker.stop();
    }
}

/// A folder for data, which is not there yet.
fn folder() -> (TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("data");
    (parent, data)
}

fn create(data: &Path) -> NewKey {
    match ask(data, &Request::CreateAccessKey { user: "guest".into() }) {
        Ok(Reply::NewAccessKey(key)) => key,
        other => panic!("{other:?}"),
    }
}

fn ids(data: &Path) -> Vec<String> {
    match ask(data, &Request::ListAccessKeys) {
        Ok(Reply::AccessKeys(keys)) => keys.into_iter().map(|key| key.id).collect(),
        other => panic!("{other:?}"),
    }
}

fn delete(data: &Path, id: &str) -> Result<Reply, String> {
    ask(data, &Request::DeleteAccessKey { id: id.into() }).map_err(|error| error.to_string())
}

/// What comes back for a line by hand.
fn reply_to(data: &Path, line: &[u8]) -> String {
    let mut stream = UnixStream::connect(socket::path(data)).unwrap();
    // A broker that has seen enough may hang up before the rest is written.
    let _hung_up = stream.write_all(line);
    let mut reply = String::new();
    let _hung_up = stream.read_to_string(&mut reply);
    reply
}

#[test]
fn the_lines_on_the_socket_are_what_other_versions_know() {
    let create = Request::CreateAccessKey { user: "u".into() };
    let line = r#"{"request":"create_access_key","user":"u"}"#;
    assert_eq!(serde_json::to_string(&create).unwrap(), line);
    assert_eq!(serde_json::from_str::<Request>(line).unwrap(), create);
    let list = serde_json::to_string(&Request::ListAccessKeys).unwrap();
    assert_eq!(list, r#"{"request":"list_access_keys"}"#);
    assert_eq!(serde_json::to_string(&Reply::Done).unwrap(), r#""done""#);
    let made = NewKey { id: "A".into(), secret: "s".into(), user: "u".into(), created_at_ms: 5 };
    let line = r#"{"new_access_key":{"id":"A","secret":"s","user":"u","created_at_ms":5}}"#;
    assert_eq!(serde_json::to_string(&Reply::NewAccessKey(made)).unwrap(), line);
}

#[test]
fn a_running_broker_is_asked_and_what_it_did_is_there_when_it_is_gone() {
    let (_parent, data) = folder();
    let broker = Running::start(&data);
    let (first, second) = (create(&data), create(&data));
    assert!(broker.has(&first.id), "the running broker knows it");
    let mut made = vec![first.id.clone(), second.id.clone()];
    made.sort();
    assert_eq!(ids(&data), made);
    assert_eq!(delete(&data, &second.id), Ok(Reply::Done));
    assert_eq!(delete(&data, &second.id), Err(format!("no access key '{}'", second.id)));
    broker.stop();
    assert!(!socket::path(&data).exists(), "it takes its socket along");
    assert_eq!(ids(&data), [&*first.id]);
    let third = create(&data);
    let broker = Running::start(&data);
    assert_eq!(ids(&data).len(), 2);
    assert!(broker.has(&third.id));
    broker.stop();
}

#[test]
fn a_folder_at_rest_is_changed_without_a_broker() {
    let (_parent, data) = folder();
    let text = format!("there is no data folder {}", data.display());
    assert_eq!(ask(&data, &Request::ListAccessKeys).unwrap_err().to_string(), text);
    assert_eq!(delete(&data, "A"), Err(text));
    assert!(!data.exists(), "looking makes nothing");
    let made = create(&data);
    assert_eq!((&*made.user, made.secret.len()), ("guest", 40));
    assert_eq!(ids(&data), [&*made.id]);
    let nobody = ask(&data, &Request::CreateAccessKey { user: "nobody".into() });
    assert_eq!(nobody.unwrap_err().to_string(), "no user 'nobody'");
    assert_eq!(delete(&data, &made.id), Ok(Reply::Done));
    assert!(ids(&data).is_empty());
}

#[test]
fn folder_and_socket_are_for_their_owner_alone() {
    let (_parent, data) = folder();
    let broker = Running::start(&data);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&socket::path(&data)), 0o600);
    broker.stop();
    // What an operator has chosen stays.
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o750)).unwrap();
    Running::start(&data).stop();
    assert_eq!(mode(&data), 0o750);
}

#[test]
fn a_socket_that_a_crash_left_behind_is_nobodys() {
    let (_parent, data) = folder();
    let made = create(&data);
    drop(UnixListener::bind(socket::path(&data)).unwrap());
    assert!(socket::path(&data).exists());
    assert_eq!(ids(&data), [&*made.id]);
    let broker = Running::start(&data);
    assert_eq!(ids(&data), [&*made.id]);
    broker.stop();
}

#[test]
fn a_path_may_be_longer_than_a_sockets_address() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("a".repeat(100)).join("b".repeat(100));
    let broker = Running::start(&data);
    assert!(socket::path(&data).exists());
    let made = create(&data);
    assert!(broker.has(&made.id), "the broker did it");
    broker.stop();
    assert!(!socket::path(&data).exists());
    assert_eq!(ids(&data), [&*made.id]);
}

#[test]
fn a_folder_that_somebody_has_who_does_not_listen() {
    let (_parent, data) = folder();
    let held = OfflineCatalog::open(&data, hash_password("guest").unwrap()).unwrap();
    let refused =
        ask_for(&data, &Request::ListAccessKeys, Duration::from_millis(200)).unwrap_err().to_string();
    let nobody = format!("and nobody answers at {}", socket::path(&data).display());
    assert!(refused.ends_with(&nobody), "{refused}");
    assert!(refused.contains(&std::process::id().to_string()), "{refused}");
    let release = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        drop(held);
    });
    assert!(ids(&data).is_empty(), "it waits for a broker that stops");
    release.join().unwrap();
}

#[test]
fn lines_that_are_no_requests_are_refused() {
    let (_parent, data) = folder();
    let broker = Running::start(&data);
    let lines: [(&[u8], &str); 6] = [
        (b"\n", "EOF while parsing"),
        (b"{\n", "EOF while parsing"),
        (b"[1]\n", "this broker does not know the request"),
        (b"{\"request\":\"fly\"}\n", "unknown variant `fly`"),
        (b"{\"request\":\"create_access_key\",\"user\":\"guest\",\"why\":1}\n", "unknown field `why`"),
        (b"\xff\xfe\n", "this broker does not know the request"),
    ];
    for (line, expected) in lines {
        let reply = reply_to(&data, line);
        assert!(reply.starts_with("{\"refused\":\"") && reply.contains(expected), "{line:?}: {reply}");
        assert!(reply.ends_with("}\n"), "{reply}");
    }
    let long =
        [b"{\"request\":\"create_access_key\",\"user\":\"".as_slice(), &[b'u'; 64 << 10], b"\"}\n"].concat();
    let reply = reply_to(&data, &long[..(64 << 10) + 1]);
    assert_eq!(reply, "{\"refused\":\"a request has 65536 bytes at most\"}\n");
    assert!(ids(&data).is_empty());
    broker.stop();
}

#[test]
fn those_who_connect_and_say_nothing_hold_up_nobody_for_long() {
    let (_parent, data) = folder();
    let broker = Running::start(&data);
    let mut silent: Vec<_> = (0..16).map(|_| UnixStream::connect(socket::path(&data)).unwrap()).collect();
    let waiting = std::thread::spawn({
        let data = data.clone();
        move || ids(&data)
    });
    std::thread::sleep(Duration::from_millis(200));
    assert!(!waiting.is_finished(), "there are as many as there may be");
    drop(silent.pop());
    assert!(waiting.join().unwrap().is_empty());
    drop(silent);
    broker.stop();
}
