//! TLS: the broker's certificate, and the names that clients' certificates give them.

mod subject;
#[cfg(test)]
mod tests;

use crate::options::TlsFiles;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use tokio_rustls::TlsAcceptor;

/// Why TLS cannot be used as configured.
#[derive(Debug)]
pub enum TlsError {
    /// A file cannot be read, or is not PEM.
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        error: rustls::pki_types::pem::Error,
    },
    /// A file holds no certificate.
    Empty {
        /// The file.
        file: PathBuf,
    },
    /// The certificates of clients' roots cannot be used.
    ClientRoots {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        error: String,
    },
    /// Certificate and key cannot be used together.
    Identity(rustls::Error),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TlsError::File { file, error } => write!(f, "cannot read {}: {error}", file.display()),
            TlsError::Empty { file } => write!(f, "{} holds no certificate", file.display()),
            TlsError::ClientRoots { file, error } => write!(f, "{} cannot be used: {error}", file.display()),
            TlsError::Identity(error) => {
                write!(f, "the TLS certificate and key cannot be used together: {error}")
            }
        }
    }
}

impl std::error::Error for TlsError {}

/// The broker's side of TLS, which can be read anew while the broker runs.
pub struct Identity {
    files: TlsFiles,
    acceptor: RwLock<TlsAcceptor>,
}

impl Identity {
    /// Reads certificate, key and clients' roots.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn load(files: TlsFiles) -> Result<Identity, TlsError> {
        let acceptor = RwLock::new(acceptor(&files)?);
        Ok(Identity { files, acceptor })
    }

    /// Reads the files again: new connections use what is there now, open ones stay as they are.
    ///
    /// # Errors
    /// See [`TlsError`]; what was read before stays in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        let fresh = acceptor(&self.files)?;
        // The value is replaced as a whole, so a poisoned lock is as good as any.
        *self.acceptor.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// What accepts the next connection.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The name in a client's verified certificate: its common name, as with RabbitMQ's
/// `ssl_cert_login_from = common_name`. `None` without a certificate, or if it has no such name.
pub fn client_name(connection: &ServerConnection) -> Option<String> {
    subject::common_name(connection.peer_certificates()?.first()?)
}

fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, TlsError> {
    let chain = certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| TlsError::File { file: files.key.clone(), error })?;
    let builder = ServerConfig::builder();
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let wrong = |error: String| TlsError::ClientRoots { file: file.clone(), error };
            let mut roots = RootCertStore::empty();
            for root in certificates(file)? {
                roots.add(root).map_err(|error| wrong(error.to_string()))?;
            }
            let verifier = WebPkiClientVerifier::builder(roots.into());
            let verifier =
                if files.require_client_certificate { verifier } else { verifier.allow_unauthenticated() };
            builder.with_client_cert_verifier(verifier.build().map_err(|error| wrong(error.to_string()))?)
        }
    };
    let config = builder.with_single_cert(chain, key).map_err(TlsError::Identity)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(found) if found.is_empty() => Err(TlsError::Empty { file: file.to_owned() }),
        Ok(found) => Ok(found),
        Err(error) => Err(TlsError::File { file: file.to_owned(), error }),
    }
}
