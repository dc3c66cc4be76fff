//! Logging in: the mechanism that the client chose (SASL), in one step or with a challenge.

use crate::codec::ReplyCode;
use crate::codec::method::connection::{Secure, SecureOk, StartOk};
use crate::connection::fault::Fault;
use crate::connection::link::Capabilities;
use crate::connection::settings::{Authenticator, Credentials, LoginRefused, Mechanism};
use crate::connection::{Connection, Notice, Phase};
use leveret_core::broker::Access;
use leveret_core::wire::{RawTable, RawValue, Table};
use std::sync::Arc;

/// The words of RABBIT-CR-DEMO, as RabbitMQ has them.
const CHALLENGE: &[u8] = b"Please tell me your password";
const ANSWER: &[u8] = b"My password is ";

impl Connection {
    /// The mechanisms that the client may use.
    pub(super) fn offered(&self) -> impl Iterator<Item = Mechanism> {
        let has_certificate = self.peer.certificate_name.is_some();
        let possible = move |mechanism: &Mechanism| *mechanism != Mechanism::External || has_certificate;
        self.link.settings.mechanisms.iter().copied().filter(possible)
    }

    /// The client's choice of a mechanism, with its first response.
    pub(super) fn start_ok<A: Access>(
        &mut self,
        access: &mut A,
        authenticator: &dyn Authenticator,
        start_ok: &StartOk<'_>,
    ) -> Result<(), Fault> {
        self.link.capabilities = Capabilities::of(&start_ok.client_properties);
        self.client_properties = Table::from(start_ok.client_properties);
        let Some(mechanism) = self.offered().find(|offered| offered.name() == start_ok.mechanism) else {
            let text = format!("unknown authentication mechanism '{}'", start_ok.mechanism);
            return Err(Fault::new(ReplyCode::CommandInvalid, text));
        };
        let malformed = || LoginRefused(format!("the response to {} is malformed", mechanism.name()));
        if mechanism == Mechanism::RabbitCrDemo {
            return match std::str::from_utf8(start_ok.response) {
                Ok(user) => {
                    self.challenge(user);
                    Ok(())
                }
                Err(_) => self.logged_in(access, mechanism, Err(malformed())),
            };
        }
        let credentials = self.credentials(mechanism, start_ok.response).ok_or_else(malformed);
        let login = credentials.and_then(|it| authenticator.verify(access.catalog(), &it, &self.peer));
        self.logged_in(access, mechanism, login)
    }

    /// Asks whoever claims to be this user for the proof.
    fn challenge(&mut self, user: &str) {
        self.claimed_user = Some(user.into());
        self.link.output.method(0, &Secure { challenge: CHALLENGE });
        self.phase = Phase::Securing;
    }

    /// The client's answer to the challenge.
    pub(super) fn secure_ok<A: Access>(
        &mut self,
        access: &mut A,
        authenticator: &dyn Authenticator,
        secure_ok: &SecureOk<'_>,
    ) -> Result<(), Fault> {
        let Some(user) = self.claimed_user.take() else { return self.out_of_order() };
        let Some(password) = secure_ok.response.strip_prefix(ANSWER) else {
            // RabbitMQ repeats the answer here; it may hold a password, and this text is logged.
            return Err(Fault::new(ReplyCode::SyntaxError, "invalid response to the challenge"));
        };
        let credentials = Credentials::Password { user: &user, password };
        let login = authenticator.verify(access.catalog(), &credentials, &self.peer);
        self.logged_in(access, Mechanism::RabbitCrDemo, login)
    }

    /// What a mechanism without a challenge says; `None` for a response that it cannot have.
    fn credentials<'a>(&'a self, mechanism: Mechanism, response: &'a [u8]) -> Option<Credentials<'a>> {
        match mechanism {
            Mechanism::Plain => plain(response),
            Mechanism::AmqPlain => amqplain(&RawTable::parse(response).ok()?),
            Mechanism::External => self.peer.certificate_name.as_deref().map(Credentials::Certificate),
            Mechanism::Anonymous => Some(Credentials::Anonymous),
            // The first response only says who it is.
            Mechanism::RabbitCrDemo => None,
        }
    }

    /// Goes on with a client that has logged in, or refuses one that has not: the log hears why, the client does not.
    fn logged_in<A: Access>(
        &mut self,
        access: &mut A,
        by: Mechanism,
        login: Result<Arc<str>, LoginRefused>,
    ) -> Result<(), Fault> {
        match login {
            Ok(user) => {
                self.user = Some(user);
                self.announce_login(access, by, None);
                self.send_tune();
                Ok(())
            }
            Err(LoginRefused(reason)) => {
                self.announce_login(access, by, Some(&reason));
                self.notices.add(Notice::LoginRefused { mechanism: by.name(), reason });
                let text = format!(
                    "Login was refused using authentication mechanism {}. For details see the broker logfile.",
                    by.name()
                );
                Err(Fault::new(ReplyCode::AccessRefused, text))
            }
        }
    }
}

/// `authorization NUL user NUL password` (RFC 4616). Who authorizes is not looked at.
fn plain(response: &[u8]) -> Option<Credentials<'_>> {
    let mut parts = response.splitn(3, |byte| *byte == 0);
    let (_, user, password) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Credentials::Password { user: std::str::from_utf8(user).ok()?, password })
}

/// A table with `LOGIN` and `PASSWORD`, without its length.
fn amqplain<'a>(table: &RawTable<'a>) -> Option<Credentials<'a>> {
    match (table.get("LOGIN")?, table.get("PASSWORD")?) {
        (RawValue::LongStr(user), RawValue::LongStr(password)) => {
            Some(Credentials::Password { user: std::str::from_utf8(user).ok()?, password })
        }
        _ => None,
    }
}
