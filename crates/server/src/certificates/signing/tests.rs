//! Keys and certificates as others see them: ring checks the signatures, rustls's parts read the certificate.

use super::certificate::{name, self_signed};
use super::file::{pem, read, write};
use super::key::Key;
use super::{EnvelopeSigner, FILE, SigningError};
use crate::certificates::der::{Reader, SEQUENCE};
use leveret_sqs::Signer;
use ring::signature::{
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, OnceLock};

/// One key for all tests: making one takes seconds without optimisation.
fn key() -> Key {
    static DER: OnceLock<Vec<u8>> = OnceLock::new();
    let der = DER.get_or_init(|| Key::generate().unwrap().to_pkcs1().unwrap());
    Key::from_pkcs1(der).unwrap()
}

#[test]
fn signatures_are_those_of_pkcs1() {
    let (key, text) = (key(), b"Message\nx\n");
    let public = key.public_pkcs1();
    UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, &public)
        .verify(text, &key.sign_sha1(text).unwrap())
        .unwrap();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &public)
        .verify(text, &key.sign_sha256(text).unwrap())
        .unwrap();
}

#[test]
fn a_key_that_is_written_is_one_that_ring_takes() {
    let der = key().to_pkcs1().unwrap();
    assert_eq!(Key::from_pkcs1(&der).unwrap().to_pkcs1().unwrap(), der);
    ring::rsa::KeyPair::from_der(&der).unwrap();
}

#[test]
fn a_damaged_key_is_refused() {
    let der = key().to_pkcs1().unwrap();
    for length in [0, 1, 4, 100, der.len() - 1] {
        assert!(Key::from_pkcs1(&der[..length]).is_err(), "{length} bytes");
    }
    // In the modulus, the private exponent and the first prime.
    for index in [100, 400, 600] {
        let mut damaged = der.clone();
        damaged[index] ^= 4;
        assert!(Key::from_pkcs1(&damaged).is_err(), "byte {index}");
    }
}

#[test]
fn a_certificate_follows_from_its_key_and_is_signed_with_it() {
    let key = key();
    let certificate = self_signed(&key).unwrap();
    assert_eq!(certificate, self_signed(&key).unwrap());
    let mut fields = Reader(Reader(&certificate).content(SEQUENCE).unwrap());
    let before = fields.0;
    fields.content(SEQUENCE).unwrap();
    let body = &before[..before.len() - fields.0.len()];
    fields.content(SEQUENCE).unwrap();
    let (_, signature) = fields.next().unwrap();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_pkcs1())
        .verify(body, &signature[1..])
        .unwrap();
    assert!(name(&key).starts_with("SimpleNotificationService-") && name(&key).ends_with(".pem"));
    let text = pem("CERTIFICATE", &certificate);
    assert!(text.lines().all(|line| line.len() <= 64));
    assert_eq!(CertificateDer::from_pem_slice(text.as_bytes()).unwrap().as_ref(), certificate);
}

#[test]
fn a_key_is_made_once_and_kept_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE);
    assert!(read(&file).unwrap().is_none());
    write(&file, &key()).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let first = EnvelopeSigner::open(folder.path()).unwrap();
    let second = EnvelopeSigner::open(folder.path()).unwrap();
    assert_eq!(first.sign(2, b"x").unwrap(), second.sign(2, b"x").unwrap());
    assert_ne!(first.sign(1, b"x").unwrap(), second.sign(2, b"x").unwrap());
    let path = format!("/{}", first.certificate_name());
    assert_eq!(first.certificate(&path).unwrap(), second.certificate(&path).unwrap());
    for other in ["/", "/SimpleNotificationService-.pem", first.certificate_name()] {
        assert_eq!(first.certificate(other), None);
    }
}

#[test]
fn whoever_signs_first_makes_the_key_or_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let signer = Arc::new(EnvelopeSigner::open(folder.path()).unwrap());
    assert_eq!(signer.certificate("/"), None);
    signer.prepare();
    let signature = signer.sign(1, b"x").unwrap();
    assert_eq!(EnvelopeSigner::open(folder.path()).unwrap().sign(1, b"x").unwrap(), signature);
}

#[test]
fn a_key_that_cannot_be_used_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE);
    for content in ["", "-----BEGIN RSA PRIVATE KEY-----\nMAA=\n-----END RSA PRIVATE KEY-----\n"] {
        std::fs::write(&file, content).unwrap();
        let refused = EnvelopeSigner::open(folder.path());
        assert!(matches!(refused, Err(SigningError::Content { .. })), "{content}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), content);
    }
}

#[test]
fn without_a_place_for_the_key_nothing_is_signed() {
    let folder = tempfile::tempdir().unwrap();
    let signer = EnvelopeSigner::open(&folder.path().join("gone")).unwrap();
    assert_eq!(signer.sign(1, b"x"), None);
    assert_eq!(signer.certificate_name(), "");
}
