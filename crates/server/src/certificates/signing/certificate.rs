//! The certificate of a key, signed with the key itself (RFC 5280, 4.1).
//!
//! It has nothing in it that the key does not determine, neither time nor chance, so that it need not be kept: the same
//! key has the same certificate after every start.

use super::key::{Key, KeyError};
use crate::certificates::der::{self, NULL, OBJECT_ID, OCTET_STRING, SEQUENCE, SET, UTF8_STRING};
use sha2::{Digest, Sha256};

const SUBJECT: &str = "Leveret SNS";
/// `[0]`, explicit: the version, which is 3.
const VERSION: &[u8] = &[0xa0, 3, der::INTEGER, 1, 2];
/// `[3]`, explicit.
const EXTENSIONS: u8 = 0xa3;
/// 2020 to the end of 9999: no expiration that would mean anything (4.1.2.5).
const VALIDITY: [(u8, &[u8]); 2] = [(0x17, b"200101000000Z"), (0x18, b"99991231235959Z")];
/// `rsaEncryption`, 1.2.840.113549.1.1.1.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
/// `sha256WithRSAEncryption`, 1.2.840.113549.1.1.11.
const RSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
/// `id-at-commonName`, 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// `id-ce-keyUsage`, 2.5.29.15, critical.
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const CRITICAL: &[u8] = &[0x01, 1, 0xff];
/// The first of the usages' bits, with seven behind it that are not used.
const DIGITAL_SIGNATURE: &[u8] = &[der::BIT_STRING, 2, 7, 0x80];

/// The certificate's name in URLs. It tells keys apart, as the hash in AWS's names does.
pub(super) fn name(key: &Key) -> String {
    let hash: String = fingerprint(key).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("SimpleNotificationService-{hash}.pem")
}

/// The certificate, DER.
///
/// # Errors
/// When the key cannot sign it.
pub(super) fn self_signed(key: &Key) -> Result<Vec<u8>, KeyError> {
    let algorithm = algorithm(RSA_WITH_SHA256);
    let body = der::value(
        SEQUENCE,
        &[
            VERSION,
            &serial(key),
            &algorithm,
            &subject(),
            &validity(),
            &subject(),
            &public_key(key),
            &extensions(),
        ],
    );
    let signature = der::bits(&key.sign_sha256(&body)?);
    Ok(der::value(SEQUENCE, &[&body, &algorithm, &signature]))
}

/// Half of the public key's SHA-256.
fn fingerprint(key: &Key) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&Sha256::digest(key.public_pkcs1())[..16]);
    half
}

fn serial(key: &Key) -> Vec<u8> {
    der::unsigned(&fingerprint(key))
}

fn algorithm(id: &[u8]) -> Vec<u8> {
    der::value(SEQUENCE, &[&der::value(OBJECT_ID, &[id]), &der::value(NULL, &[])])
}

fn subject() -> Vec<u8> {
    let name = der::value(UTF8_STRING, &[SUBJECT.as_bytes()]);
    let attribute = der::value(SEQUENCE, &[&der::value(OBJECT_ID, &[COMMON_NAME]), &name]);
    der::value(SEQUENCE, &[&der::value(SET, &[&attribute])])
}

fn validity() -> Vec<u8> {
    let [from, to] = VALIDITY.map(|(kind, time)| der::value(kind, &[time]));
    der::value(SEQUENCE, &[&from, &to])
}

fn public_key(key: &Key) -> Vec<u8> {
    der::value(SEQUENCE, &[&algorithm(RSA), &der::bits(&key.public_pkcs1())])
}

fn extensions() -> Vec<u8> {
    let usage = der::value(OCTET_STRING, &[DIGITAL_SIGNATURE]);
    let usage = der::value(SEQUENCE, &[&der::value(OBJECT_ID, &[KEY_USAGE]), CRITICAL, &usage]);
    der::value(EXTENSIONS, &[&der::value(SEQUENCE, &[&usage])])
}
