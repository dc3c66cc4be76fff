//! Logging in, and renewing the secret.

use super::*;
use crate::connection::Mechanism;

const REFUSED: &str = "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker logfile.";

#[test]
fn external_is_offered_to_a_peer_with_a_certificate() {
    let mut world = World::new();
    let peer = Peer { certificate_name: Some("guest".into()), ..peer() };
    let mut client = Client::unopened(&mut world, DoorSettings::default(), peer);
    client.bytes(&mut world, &PROTOCOL_HEADER);
    client.next_frame();
    client.start_ok(&mut world, "EXTERNAL", b"");
    client.next_frame();
    assert_eq!(client.door.overview().user.as_deref(), Some("guest"));
    let mut other = started(&mut world);
    other.start_ok(&mut world, "EXTERNAL", b"");
    other.expect_silence();
    assert_eq!(other.door.state(), State::Closing);
}

#[test]
fn all_mechanisms_log_in() {
    let mut world = World::new();
    let mut table = Table::new();
    table.insert(ShortStr::literal("LOGIN"), Value::from("guest"));
    table.insert(ShortStr::literal("PASSWORD"), Value::from("guest"));
    let mut amqplain = Vec::new();
    table.encode_entries(&mut amqplain);
    for (mechanism, response) in [
        ("PLAIN", &b"\0guest\0guest"[..]),
        ("PLAIN", b"me\0guest\0guest"),
        ("AMQPLAIN", &amqplain),
        ("ANONYMOUS", b""),
    ] {
        let mut client = started(&mut world);
        client.start_ok(&mut world, mechanism, response);
        client.expect(0, &connection::Tune { channel_max: 2047, frame_max: 131_072, heartbeat: 60 });
    }
}

#[test]
fn a_refused_login_is_told_to_those_who_can_hear_it() {
    let mut world = World::new();
    for response in [&b"\0guest\0wrong"[..], b"nonsense", b""] {
        let mut client = started(&mut world);
        client.start_ok(&mut world, "PLAIN", response);
        client.expect_connection_close(403, REFUSED);
        client.send(&mut world, 0, &connection::CloseOk {});
        assert_eq!(client.door.state(), State::Closed);
    }
    let mut client = started(&mut world);
    client.start_ok_with(&mut world, "PLAIN", b"\0guest\0wrong", Table::new());
    client.expect_silence();
    let notices = client.door.notices();
    let reason = "wrong password".into();
    assert_eq!(notices[0], Notice::LoginRefused { mechanism: "PLAIN", reason });
    assert_eq!(client.door.state(), State::Closing);
    world.now = client.door.next_tick().unwrap();
    client.door.tick(world.now);
    assert_eq!(client.door.state(), State::Closed);
}

/// A client that has chosen RABBIT-CR-DEMO of a broker that offers it, and was challenged.
fn challenged(world: &mut World, user: &[u8]) -> Client {
    let settings = DoorSettings { mechanisms: Mechanism::ALL.to_vec(), ..DoorSettings::default() };
    let mut client = Client::unopened(world, settings, peer());
    client.bytes(world, &PROTOCOL_HEADER);
    let frame = client.next_frame();
    let (_, Method::Connection(connection::Method::Start(start))) = method_of(&frame) else {
        panic!("{frame:?}");
    };
    assert_eq!(start.mechanisms, b"PLAIN AMQPLAIN ANONYMOUS RABBIT-CR-DEMO");
    client.start_ok(world, "RABBIT-CR-DEMO", user);
    client.expect(0, &connection::Secure { challenge: b"Please tell me your password" });
    client
}

#[test]
fn the_answer_to_a_challenge_logs_in() {
    let mut world = World::new();
    let mut client = challenged(&mut world, b"guest");
    assert_eq!((client.door.state(), client.door.overview().user), (State::Handshake, None));
    client.send(&mut world, 0, &connection::SecureOk { response: b"My password is guest" });
    client.expect(0, &connection::Tune { channel_max: 2047, frame_max: 131_072, heartbeat: 60 });
    assert_eq!(client.door.overview().user.as_deref(), Some("guest"));
    client.send(&mut world, 0, &connection::SecureOk { response: b"My password is guest" });
    client.expect_connection_close(504, "CHANNEL_ERROR - unexpected method in connection state tuning");
}

#[test]
fn a_wrong_answer_to_a_challenge_is_refused() {
    let mut world = World::new();
    let mut client = challenged(&mut world, b"guest");
    client.send(&mut world, 0, &connection::SecureOk { response: b"My password is wrong" });
    client.expect_connection_close(403, &REFUSED.replace("PLAIN", "RABBIT-CR-DEMO"));
    // What is no answer at all is told to nobody: neither is what comes in its place.
    let mut client = challenged(&mut world, b"guest");
    client.send(&mut world, 0, &connection::SecureOk { response: b"guest" });
    client.expect_silence();
    assert_eq!(client.door.state(), State::Closing);
    let text = "SYNTAX_ERROR - invalid response to the challenge".into();
    assert_eq!(client.door.notices(), [Notice::ConnectionFault { text }]);
    let mut client = challenged(&mut world, b"guest");
    client.send(&mut world, 0, &tune_ok(0, 4096));
    client.expect_silence();
    let text = "CHANNEL_ERROR - unexpected method in connection state securing".into();
    assert_eq!(client.door.notices(), [Notice::ConnectionFault { text }]);
}

#[test]
fn a_challenge_must_be_offered_asked_for_and_answered_in_time() {
    let mut world = World::new();
    let mut client = started(&mut world);
    client.start_ok(&mut world, "RABBIT-CR-DEMO", b"guest");
    client.expect_silence();
    assert_eq!(client.door.state(), State::Closing);
    let mut client = started(&mut world);
    client.send(&mut world, 0, &connection::SecureOk { response: b"My password is guest" });
    client.expect_silence();
    let mut client = challenged(&mut world, b"guest");
    client.door.tick(world.now.plus_ms(10_000));
    assert_eq!(client.door.state(), State::Closed);
}

#[test]
fn a_new_secret_is_verified() {
    let mut world = World::new();
    let mut client = Client::open(&mut world);
    client.send(&mut world, 0, &connection::UpdateSecret { new_secret: b"guest", reason: "due" });
    client.expect(0, &connection::UpdateSecretOk {});
    client.send(&mut world, 0, &connection::UpdateSecret { new_secret: b"other", reason: "due" });
    client.expect_connection_close(530, "NOT_ALLOWED - New secret was refused by one of the backends");
}

#[test]
fn a_new_secret_is_of_no_use_where_the_user_may_not_be_any_more() {
    let mut world = World::new();
    let mut client = Client::open(&mut world);
    world.change(|catalog| catalog.clear_permission("guest", "/")).0.unwrap();
    client.send(&mut world, 0, &connection::UpdateSecret { new_secret: b"guest", reason: "due" });
    client.expect_connection_close(530, "NOT_ALLOWED - access to vhost '/' refused for user 'guest'");
}
