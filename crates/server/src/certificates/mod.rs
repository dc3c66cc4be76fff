//! Keys and certificates: those of TLS, and the one by which SNS's envelopes are signed.
//!
//! - [`tls`]: the broker's own certificate, and the names in its clients';
//! - [`signing`]: the key of the data folder, and the certificate that follows from it;
//! - [`der`]: the form in which both are written.

mod der;
pub mod signing;
pub mod tls;
