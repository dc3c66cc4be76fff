use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use leveret_core::catalog::{CatalogReplay, HashAlgorithm, PasswordHash};
use leveret_log::{Geometry, LogId, MemoryDisk, MemoryDriver, Recovery};

fn catalog() -> Catalog {
    let mut driver = MemoryDriver::new(MemoryDisk::new(Geometry::DEFAULT, LogId(1)));
    let log = Recovery::begin(&mut driver, 1 << 20).unwrap().replay::<std::fmt::Error>(|_| Ok(())).unwrap();
    let mut catalog = CatalogReplay::default().open(1, log.tail);
    catalog.bootstrap(hash_password("guest").unwrap()).unwrap();
    catalog.put_user("no-password", None, Vec::new()).unwrap();
    catalog
}

fn peer(loopback: bool) -> Peer {
    Peer { address: "192.0.2.1:5000".into(), loopback, certificate_name: None }
}

fn verify(credentials: Credentials<'_>, loopback: bool, anywhere: bool) -> Result<Arc<str>, LoginRefused> {
    let authenticator = CatalogAuthenticator::new(Arc::default(), anywhere);
    authenticator.verify(&catalog(), &credentials, &peer(loopback))
}

fn password<'a>(user: &'a str, password: &'a str) -> Credentials<'a> {
    Credentials::Password { user, password: password.as_bytes() }
}

#[test]
fn a_user_logs_in_with_its_password_only() {
    assert_eq!(&*verify(password("guest", "guest"), true, false).unwrap(), "guest");
    for (user, secret) in [("guest", "Guest"), ("guest", ""), ("nobody", "guest"), ("no-password", "")] {
        assert!(verify(password(user, secret), true, false).is_err(), "{user} {secret}");
    }
}

#[test]
fn guest_comes_from_this_machine_only_unless_it_may() {
    assert!(verify(password("guest", "guest"), false, false).is_err());
    assert!(verify(Credentials::Anonymous, false, false).is_err());
    assert!(verify(Credentials::Certificate("guest"), false, false).is_err());
    assert!(verify(password("guest", "guest"), false, true).is_ok());
    assert_eq!(&*verify(Credentials::Anonymous, true, false).unwrap(), "guest");
}

#[test]
fn anonymous_is_guest_with_its_first_password_on_this_machine() {
    assert!(verify(Credentials::Anonymous, false, true).is_err());
    let mut catalog = catalog();
    let authenticator = CatalogAuthenticator::new(Arc::default(), true);
    assert!(authenticator.verify(&catalog, &Credentials::Anonymous, &peer(true)).is_ok());
    catalog.put_user("guest", Some(hash_password("secret").unwrap()), Vec::new()).unwrap();
    assert!(authenticator.verify(&catalog, &Credentials::Anonymous, &peer(true)).is_err());
}

#[test]
fn a_certificate_names_a_user() {
    assert_eq!(&*verify(Credentials::Certificate("no-password"), false, false).unwrap(), "no-password");
    assert!(verify(Credentials::Certificate("nobody"), false, false).is_err());
}

/// RabbitMQ's documentation has the first of these as its example: "test12" with the salt 908DC60A. The others are
/// made by the same rule, with Python's hashlib.
const HASHES_OF_TEST12: [(HashAlgorithm, &str); 3] = [
    (HashAlgorithm::Sha256, "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"),
    (
        HashAlgorithm::Sha512,
        "kI3GChuNuIYf8lRbCCxZjgjKwsY19ns6+uFO0zcXRBGA/XGJPYD8OWMy7EB8TaOmAzjP2azv84GbINYwX2cDWb4DHnc=",
    ),
    (HashAlgorithm::Md5, "kI3GChNpte2FApYFXScl+0dIluk="),
];

#[test]
fn users_log_in_with_every_hash_that_rabbitmq_exports() {
    let mut catalog = catalog();
    let authenticator = CatalogAuthenticator::new(Arc::default(), false);
    for (algorithm, hash) in HASHES_OF_TEST12 {
        let bytes = STANDARD.decode(hash).unwrap().into();
        catalog.put_user("shop", Some(PasswordHash { algorithm, bytes }), Vec::new()).unwrap();
        let login = |secret| authenticator.verify(&catalog, &password("shop", secret), &peer(false));
        assert_eq!(&*login("test12").unwrap(), "shop", "{algorithm:?}");
        for wrong in ["test13", "test1", ""] {
            assert!(login(wrong).is_err(), "{algorithm:?} {wrong:?}");
        }
    }
}

#[test]
fn a_hash_that_is_cut_short_admits_nobody() {
    for (algorithm, hash) in HASHES_OF_TEST12 {
        let bytes = STANDARD.decode(hash).unwrap();
        for end in 0..bytes.len() {
            let truncated = PasswordHash { algorithm, bytes: bytes[..end].into() };
            assert!(!verify_password(&truncated, b"test12"), "{algorithm:?} to {end}");
        }
    }
}

#[test]
fn two_hashes_of_one_password_differ() {
    assert_ne!(hash_password("secret").unwrap().bytes, hash_password("secret").unwrap().bytes);
}
