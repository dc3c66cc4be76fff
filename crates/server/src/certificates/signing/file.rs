//! A key's file: PEM that only the broker's user can read, and that is there as a whole or not at all.

use super::SigningError;
use super::key::{Key, KeyError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::PrivatePkcs1KeyDer;
use rustls::pki_types::pem::PemObject;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Characters of Base64 in a line of PEM (RFC 7468, 2).
const LINE: usize = 64;
/// The owner reads and writes, nobody else does anything.
const MODE: u32 = 0o600;

/// Reads a key; `None` if there is no such file.
///
/// # Errors
/// When there is one that cannot be used.
pub(super) fn read(path: &Path) -> Result<Option<Key>, SigningError> {
    let text = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        text => text.map_err(|error| SigningError::Read { file: path.to_owned(), error })?,
    };
    let der = PrivatePkcs1KeyDer::from_pem_slice(&text).map_err(KeyError::Pem);
    let key = der.and_then(|der| Key::from_pkcs1(der.secret_pkcs1_der()));
    key.map(Some).map_err(|error| SigningError::Content { file: path.to_owned(), error })
}

/// Writes a key, durably.
///
/// # Errors
/// What the operating system answers.
pub(super) fn write(path: &Path, key: &Key) -> io::Result<()> {
    let der = key.to_pkcs1().ok_or_else(|| io::Error::other("the key is not one of two primes"))?;
    let unfinished = path.with_extension("pem.tmp");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(MODE).open(&unfinished)?;
    file.write_all(pem("RSA PRIVATE KEY", &der).as_bytes())?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// PEM.
pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for (index, character) in text.chars().enumerate() {
        if index > 0 && index % LINE == 0 {
            pem.push('\n');
        }
        pem.push(character);
    }
    pem + &format!("\n-----END {label}-----\n")
}
