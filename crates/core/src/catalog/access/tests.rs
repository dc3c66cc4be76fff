//! Patterns, permissions, users and limits.

use super::*;
use crate::Cause;
use crate::catalog::tests::{
    Rig, add_exchange, add_queue, add_user, assert_refused, catalog, password, to_queue,
};
use crate::catalog::{Caller, Catalog, DestinationKind, QueueKind, VhostLimits};

const QUEUE: DestinationKind = DestinationKind::Queue;
const EXCHANGE: DestinationKind = DestinationKind::Exchange;

fn finds(pattern: &str, text: &str) -> bool {
    Pattern::new(pattern).unwrap().matches(text)
}

fn restrict(catalog: &mut Catalog, exchange: &str, write: &str, read: &str) {
    catalog.put_topic_permission("u", "/", exchange, TopicPatterns { write, read }).unwrap();
}

#[test]
fn a_pattern_is_searched_for() {
    assert!(finds("job", "my-jobs") && finds("", "anything") && finds(".*", ""));
    assert!(finds("^job", "jobs") && !finds("^job", "my-jobs"));
    assert!(finds("^(a|b)-[0-9]+$", "b-17") && !finds("^(a|b)-[0-9]+$", "b-"));
    assert!(finds("(?i)JOB", "jobs") && finds("\\d", "7") && finds("ä", "kälte"));
}

/// The one look-ahead that RabbitMQ's documentation teaches: everything but its own names.
#[test]
fn a_leading_exclusion_is_understood() {
    let but_own = "^(?!amq\\.).*";
    assert!(finds(but_own, "jobs") && finds(but_own, "amq") && finds(but_own, ""));
    assert!(!finds(but_own, "amq.topic"));
    assert!(finds("^(?!a|b)(c|d)", "cc") && !finds("^(?!a|b)(c|d)", "ac") && !finds("^(?!a|b)(c|d)", "ec"));
    assert!(finds("^(?!(x[)]|y)).+", "x") && !finds("^(?!(x[)]|y)).+", "x)"));
    assert!(!finds("^(?!jobs$).*", "jobs") && finds("^(?!jobs$).*", "jobs2"));
}

#[test]
fn other_look_arounds_are_refused_by_name() {
    for pattern in ["(?!a)b", "a(?=b)", "(?<=a)b", "^(?!a)(?!b).*", "^(?!a).*|b(?!c)", "^(?!a)b|c"] {
        let text = Pattern::new(pattern).unwrap_err().to_string();
        let expected = format!(
            "'{pattern}' is not a pattern that can be used: look-around, including look-ahead and look-behind, is \
             not supported"
        );
        assert_eq!(text, expected);
    }
    let text = Pattern::new("(a)\\1").unwrap_err().to_string();
    assert!(text.ends_with("backreferences are not supported"), "{text}");
}

#[test]
fn what_is_not_permitted_is_named() {
    let mut catalog = catalog();
    add_user(&mut catalog, "u", ["^conf", "^write", "^read"]);
    assert!(catalog.may_configure("u", "/", QUEUE, "config").is_ok());
    assert!(catalog.may_write("u", "/", EXCHANGE, "writers").is_ok());
    assert!(catalog.may_read("u", "/", QUEUE, "readers").is_ok());
    let refused = |answer, text| assert_refused(answer, Cause::AccessRefused, text);
    let text = "configure access to queue 'q' in vhost '/' refused for user 'u'";
    refused(catalog.may_configure("u", "/", QUEUE, "q"), text);
    let text = "write access to exchange 'amq.default' in vhost '/' refused for user 'u'";
    refused(catalog.may_write("u", "/", EXCHANGE, ""), text);
    let text = "read access to queue 'q' in vhost '/' refused for user 'u'";
    refused(catalog.may_read("u", "/", QUEUE, "q"), text);
    let text = "read access to queue 'readers' in vhost '/' refused for user 'nobody'";
    refused(catalog.may_read("nobody", "/", QUEUE, "readers"), text);
}

#[test]
fn an_empty_pattern_permits_nothing_and_a_later_change_counts() {
    let mut catalog = catalog();
    add_user(&mut catalog, "u", ["", "", ""]);
    assert!(catalog.may_read("u", "/", QUEUE, "q").is_err());
    add_user(&mut catalog, "u", ["", "", ".*"]);
    assert!(catalog.may_read("u", "/", QUEUE, "q").is_ok());
    catalog.clear_permission("u", "/").unwrap();
    assert!(catalog.may_read("u", "/", QUEUE, "q").is_err());
    let text = "user 'u' has no permissions in vhost '/'";
    assert_refused(catalog.clear_permission("u", "/"), Cause::NotFound, text);
}

#[test]
fn permissions_are_for_users_vhosts_and_patterns_that_are_there() {
    let mut catalog = catalog();
    let all = PermissionPatterns { configure: ".*", write: ".*", read: ".*" };
    assert_refused(catalog.put_permission("u", "/", all), Cause::NotFound, "no user 'u'");
    let nowhere = catalog.put_permission("guest", "nowhere", all);
    assert_refused(nowhere, Cause::NotAllowed, "vhost nowhere not found");
    let broken = catalog.put_permission("guest", "/", PermissionPatterns { read: "[", ..all });
    assert_eq!(broken.unwrap_err().cause, Cause::PreconditionFailed);
    let topic = TopicPatterns { write: "(?<=a)b", read: ".*" };
    let broken = catalog.put_topic_permission("guest", "/", "amq.topic", topic);
    assert_eq!(broken.unwrap_err().cause, Cause::PreconditionFailed);
}

#[test]
fn topic_permissions_restrict_the_keys_of_one_exchange() {
    let mut catalog = catalog();
    add_user(&mut catalog, "u", [".*", ".*", ".*"]);
    let may_publish =
        |catalog: &Catalog, exchange, keys: &[&str]| catalog.may_publish("u", "/", exchange, keys);
    assert!(
        may_publish(&catalog, "amq.topic", &["anything"]).is_ok(),
        "no topic permission restricts nothing"
    );
    restrict(&mut catalog, "amq.topic", "^sensor\\.", "^public\\.");
    assert!(may_publish(&catalog, "amq.topic", &["sensor.1", "sensor.2"]).is_ok());
    let text = "write access to topic 'other' in exchange 'amq.topic' in vhost '/' refused for user 'u'";
    let refused = may_publish(&catalog, "amq.topic", &["sensor.1", "other"]);
    assert_refused(refused, Cause::AccessRefused, text);
    assert!(may_publish(&catalog, "amq.direct", &["other"]).is_ok(), "another exchange");
    restrict(&mut catalog, "amq.direct", "^nothing$", "");
    assert!(may_publish(&catalog, "amq.direct", &["other"]).is_ok(), "it is no topic exchange");

    add_queue(&mut catalog, "q");
    let text = "read access to topic 'private.#' in exchange 'amq.topic' in vhost '/' refused for user 'u'";
    let bound = catalog.bind(Caller::user("u"), "/", to_queue("amq.topic", "q", "private.#"));
    assert_refused(bound, Cause::AccessRefused, text);
    assert!(catalog.bind(Caller::user("u"), "/", to_queue("amq.topic", "q", "public.#")).is_ok());

    catalog.clear_topic_permission("u", "/", Some("amq.topic")).unwrap();
    assert!(may_publish(&catalog, "amq.topic", &["other"]).is_ok());
    assert_eq!(catalog.user("u").unwrap().topic_permissions()["/"].len(), 1);
    catalog.clear_topic_permission("u", "/", None).unwrap();
    assert!(catalog.user("u").unwrap().topic_permissions().is_empty());
    assert!(catalog.clear_topic_permission("u", "/", None).is_ok(), "none is no error");
}

#[test]
fn names_in_topic_permissions_stand_for_themselves() {
    let mut catalog = catalog();
    catalog.put_vhost("a.b", "", Vec::new(), QueueKind::Classic).unwrap();
    catalog.put_user("x|y", None, Vec::new()).unwrap();
    let all = PermissionPatterns { configure: ".*", write: ".*", read: ".*" };
    catalog.put_permission("x|y", "a.b", all).unwrap();
    let own = TopicPatterns { write: "^{vhost}\\.{username}\\.", read: "" };
    catalog.put_topic_permission("x|y", "a.b", "amq.topic", own).unwrap();
    let may = |key: &str| catalog.may_publish("x|y", "a.b", "amq.topic", &[key]).is_ok();
    assert!(may("a.b.x|y.temperature"));
    assert!(!may("aXb.x|y.temperature"), "a dot of a name is no wildcard");
    assert!(!may("y.temperature"), "nor is a bar an alternative");
}

#[test]
fn publishing_needs_write_on_the_exchange_first() {
    let mut catalog = catalog();
    add_user(&mut catalog, "u", ["", "^amq\\.topic$", ""]);
    assert!(catalog.may_publish("u", "/", "amq.topic", &["k"]).is_ok());
    let text = "write access to exchange 'amq.direct' in vhost '/' refused for user 'u'";
    assert_refused(catalog.may_publish("u", "/", "amq.direct", &["k"]), Cause::AccessRefused, text);
}

#[test]
fn connections_are_for_those_with_permissions_and_within_limits() {
    let mut catalog = catalog();
    assert!(catalog.may_connect("guest", "/", 1_000_000, 1_000_000).is_ok(), "no limit unless one is set");
    assert_refused(catalog.may_connect("guest", "v", 0, 0), Cause::NotAllowed, "vhost v not found");
    catalog.put_vhost("v", "", Vec::new(), QueueKind::Classic).unwrap();
    let text = "access to vhost 'v' refused for user 'guest'";
    assert_refused(catalog.may_connect("guest", "v", 0, 0), Cause::NotAllowed, text);

    catalog.set_vhost_limits("/", VhostLimits { max_connections: Some(2), max_queues: None }).unwrap();
    assert!(catalog.may_connect("guest", "/", 1, 0).is_ok());
    let text = "access to vhost '/' refused for user 'guest': connection limit (2) is reached";
    assert_refused(catalog.may_connect("guest", "/", 2, 0), Cause::NotAllowed, text);
    catalog.set_vhost_limits("/", VhostLimits::default()).unwrap();

    let limits = UserLimits { max_connections: Some(1), max_channels: Some(10) };
    catalog.set_user_limits("guest", limits).unwrap();
    assert!(catalog.may_connect("guest", "/", 9, 0).is_ok());
    let text = "connection refused for user 'guest': user connection limit (1) is reached";
    assert_refused(catalog.may_connect("guest", "/", 9, 1), Cause::NotAllowed, text);
    assert!(catalog.may_open_channel("guest", 9).is_ok());
    let text =
        "number of channels opened for user 'guest' has reached the maximum allowed user limit of (10)";
    assert_refused(catalog.may_open_channel("guest", 10), Cause::NotAllowed, text);
}

#[test]
fn a_user_keeps_what_is_not_changed() {
    let mut catalog = catalog();
    add_user(&mut catalog, "u", [".*", ".*", ".*"]);
    catalog.put_user("u", Some(password("first")), vec!["monitoring".into()]).unwrap();
    catalog.set_user_limits("u", UserLimits { max_connections: Some(5), max_channels: None }).unwrap();
    catalog.set_user_tags("u", vec!["administrator".into()]).unwrap();
    let user = catalog.user("u").unwrap();
    assert_eq!(user.password, Some(password("first")));
    assert_eq!(user.limits.max_connections, Some(5));
    assert!(user.has_tag("administrator") && !user.has_tag("monitoring"));
    assert!(user.permissions().contains_key("/"));
    assert!(catalog.has_tag("u", "administrator") && !catalog.has_tag("nobody", "administrator"));

    catalog.delete_user("u").unwrap();
    assert!(catalog.user("u").is_none());
    assert_refused(catalog.delete_user("u"), Cause::NotFound, "no user 'u'");
    catalog.put_user("u", None, Vec::new()).unwrap();
    assert!(catalog.user("u").unwrap().permissions().is_empty(), "a new user is a new user");
    assert_refused(catalog.put_user("", None, Vec::new()), Cause::PreconditionFailed, "user name is empty");
}

#[test]
fn hash_algorithms_have_rabbitmqs_names() {
    for algorithm in [HashAlgorithm::Sha256, HashAlgorithm::Sha512, HashAlgorithm::Md5] {
        assert_eq!(HashAlgorithm::from_name(algorithm.name()), Some(algorithm));
    }
    assert_eq!(HashAlgorithm::from_name("rabbit_password_hashing_sha256"), Some(HashAlgorithm::Sha256));
    assert_eq!(HashAlgorithm::from_name("plain"), None);
    assert!(!format!("{:?}", password("secret")).contains("secret"));
}

#[test]
fn permissions_go_with_their_vhost() {
    let mut catalog = catalog();
    add_exchange(&mut catalog, "x", "topic");
    restrict_guest(&mut catalog);
    catalog.delete_vhost("/").unwrap();
    catalog.put_vhost("/", "", Vec::new(), QueueKind::Classic).unwrap();
    let guest = catalog.user("guest").unwrap();
    assert!(guest.permissions().is_empty() && guest.topic_permissions().is_empty());
    assert!(catalog.exchange("/", "x").is_none());
}

fn restrict_guest(catalog: &mut Catalog) {
    let nothing = TopicPatterns { write: "", read: "" };
    catalog.put_topic_permission("guest", "/", "x", nothing).unwrap();
}

/// An operator who made users of his own and deleted guest must not find it back after a restart.
#[test]
fn guest_comes_back_only_to_a_catalog_without_users() {
    let mut rig = Rig::new();
    add_user(&mut rig.catalog, "u", ["", "", ""]);
    rig.catalog.delete_user("guest").unwrap();
    rig.catalog.delete_vhost("/").unwrap();
    rig.sync();
    let rig = Rig::start(&rig.disk);
    assert!(rig.catalog.user("guest").is_none() && rig.catalog.vhosts().count() == 0);
}
