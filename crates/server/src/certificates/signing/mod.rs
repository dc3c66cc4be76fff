//! The key with which SNS's envelopes are signed, and its certificate, which the HTTP door gives to anybody.
//!
//! The key is made once for a data folder, in a thread of its own, so that nobody waits for it; who needs it sooner
//! waits until it is there. Only the key is kept: the certificate follows from it.
//!
//! - [`key`]: RSA, and the form in which a key is kept;
//! - [`certificate`]: the certificate that follows from a key;
//! - [`file`]: the key's file in the data folder.

mod certificate;
mod file;
mod key;
#[cfg(test)]
mod tests;

pub use key::KeyError;

use bytes::Bytes;
use key::Key;
use leveret_sqs::Signer;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The key's file in the data folder.
const FILE: &str = "sns-signing-key.pem";

/// Why there is no key.
#[derive(Debug)]
pub enum SigningError {
    /// The key's file cannot be read.
    Read {
        /// The file.
        file: PathBuf,
        /// The operating system's answer.
        error: io::Error,
    },
    /// The key's file holds no key that can be used.
    Content {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        error: KeyError,
    },
    /// A key cannot be made.
    Make(KeyError),
    /// A key that was made cannot be kept.
    Write {
        /// The file.
        file: PathBuf,
        /// The operating system's answer.
        error: io::Error,
    },
}

impl fmt::Display for SigningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SigningError::Read { file, error } => write!(f, "cannot read {}: {error}", file.display()),
            SigningError::Content { file, error } => {
                write!(f, "{}: {error}; without the file a new key is made", file.display())
            }
            SigningError::Make(error) => error.fmt(f),
            SigningError::Write { file, error } => write!(f, "cannot write {}: {error}", file.display()),
        }
    }
}

impl std::error::Error for SigningError {}

/// Signs envelopes with the data folder's key. Shared by all connections.
#[derive(Debug)]
pub struct EnvelopeSigner {
    file: PathBuf,
    /// `None` inside if a key could not be made or kept: then envelopes go unsigned until the next start.
    made: OnceLock<Option<Credentials>>,
}

/// A key, and what others need to trust what it signed.
#[derive(Debug)]
struct Credentials {
    key: Key,
    certificate_name: String,
    /// PEM.
    certificate: Bytes,
}

impl EnvelopeSigner {
    /// Reads the key in a data folder, which nobody else may have open. If it has none, one is made later.
    ///
    /// # Errors
    /// When there is a key that cannot be used: a new one would not be the one that consumers have come to trust.
    pub fn open(data: &Path) -> Result<EnvelopeSigner, SigningError> {
        let file = data.join(FILE);
        let made = OnceLock::new();
        if let Some(key) = file::read(&file)? {
            made.get_or_init(|| credentials(key).inspect_err(unsigned).ok());
        }
        Ok(EnvelopeSigner { file, made })
    }

    /// Makes the key in the background, if there is none yet.
    pub fn prepare(self: &Arc<Self>) {
        if self.made.get().is_some() {
            return;
        }
        let signer = self.clone();
        let thread = std::thread::Builder::new().name("sns-signing-key".into()).spawn(move || {
            signer.credentials();
        });
        // Whoever signs first makes it then.
        thread.map_or_else(|error| tracing::warn!(%error, "no thread to make the key of SNS in"), drop);
    }

    /// The certificate, PEM, if this is the path of its URL. Does not wait for the key: before it there is no URL.
    pub fn certificate(&self, path: &str) -> Option<Bytes> {
        let credentials = self.made.get()?.as_ref()?;
        let named = path.strip_prefix('/') == Some(&credentials.certificate_name);
        named.then(|| credentials.certificate.clone())
    }

    fn credentials(&self) -> Option<&Credentials> {
        self.made.get_or_init(|| self.make().inspect_err(unsigned).ok()).as_ref()
    }

    fn make(&self) -> Result<Credentials, SigningError> {
        let key = Key::generate().map_err(SigningError::Make)?;
        // Before anything is signed with it: a signature outlives the process.
        file::write(&self.file, &key)
            .map_err(|error| SigningError::Write { file: self.file.clone(), error })?;
        tracing::info!("a key to sign SNS messages with is in {}", self.file.display());
        credentials(key)
    }
}

impl Signer for EnvelopeSigner {
    fn sign(&self, version: u8, text: &[u8]) -> Option<Vec<u8>> {
        let key = &self.credentials()?.key;
        let signed = if version == 1 { key.sign_sha1(text) } else { key.sign_sha256(text) };
        signed.inspect_err(|error| tracing::error!(%error, "an SNS message goes unsigned")).ok()
    }

    fn certificate_name(&self) -> &str {
        self.credentials().map_or("", |credentials| &credentials.certificate_name)
    }
}

fn credentials(key: Key) -> Result<Credentials, SigningError> {
    let certificate = certificate::self_signed(&key).map_err(SigningError::Make)?;
    let certificate = file::pem("CERTIFICATE", &certificate).into();
    Ok(Credentials { certificate_name: certificate::name(&key), certificate, key })
}

fn unsigned(error: &SigningError) {
    tracing::error!(%error, "SNS messages go unsigned until the next start");
}
