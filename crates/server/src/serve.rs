//! The life of a broker: it opens its data folder, listens, and, when it is told to stop, says goodbye to its clients
//! and syncs what they left.

use crate::alarm::{self, Watched};
use crate::auth::{CatalogAuthenticator, hash_password};
use crate::broker::{self, Broker, StartError};
use crate::certificates::signing::{EnvelopeSigner, SigningError};
use crate::certificates::tls::{Identity, TlsError};
use crate::control::{ControlDoor, ControlListener};
use crate::definitions;
use crate::http::{self, HttpDoor};
use crate::net::{Door as AmqpDoor, Listeners, Registry, Tls};
use crate::options::{ServeOptions, SqsOptions};
use leveret_amqp::connection::DoorSettings;
use leveret_core::LogId;
use leveret_core::broker::Access;
use leveret_core::catalog::Catalog;
use leveret_sqs::Signer;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Semaphore, watch};

/// How long connections have to say goodbye when the broker stops.
const FAREWELL: Duration = Duration::from_secs(5);
/// Bytes of HTTP bodies in memory at once.
const BODY_BYTES: usize = 256 << 20;

/// Why a broker could not start, or did not end well.
#[derive(Debug)]
pub enum ServeError {
    /// The data folder could not be opened.
    Start(StartError),
    /// An address could not be listened on.
    Listen {
        /// The address.
        address: SocketAddr,
        /// The operating system's answer.
        error: io::Error,
    },
    /// The files for TLS cannot be used.
    Tls(TlsError),
    /// The key of SNS cannot be used.
    Signing(SigningError),
    /// The definitions cannot be imported.
    Definitions {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        error: String,
    },
    /// The operating system refused something else.
    System {
        /// What was tried.
        what: &'static str,
        /// Its answer.
        error: String,
    },
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServeError::Start(error) => error.fmt(f),
            ServeError::Listen { address, error } => write!(f, "cannot listen on {address}: {error}"),
            ServeError::Tls(error) => error.fmt(f),
            ServeError::Signing(error) => write!(f, "the key that signs SNS messages: {error}"),
            ServeError::Definitions { file, error } => write!(f, "{}: {error}", file.display()),
            ServeError::System { what, error } => write!(f, "{what}: {error}"),
        }
    }
}

impl std::error::Error for ServeError {}

impl ServeError {
    fn system(what: &'static str) -> impl Fn(io::Error) -> ServeError {
        move |error| ServeError::System { what, error: error.to_string() }
    }
}

/// Runs a broker until SIGTERM or SIGINT.
///
/// # Errors
/// See [`ServeError`].
pub fn run(options: ServeOptions) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(ServeError::system("cannot start the runtime"))?.block_on(serve(options))
}

async fn serve(options: ServeOptions) -> Result<(), ServeError> {
    let stop = Stop::listen()?;
    let identity = options.tls.clone().map(Identity::load);
    let identity = identity.transpose().map_err(ServeError::Tls)?.map(Arc::new);
    let broker = open(&options)?;
    if let Err(error) = prepare(&options, &broker).await {
        end(broker).await?;
        return Err(error);
    }
    let (stopping, stopped) = watch::channel(false);
    let door = door(&options, &broker, stopped);
    let listening = listen(&options, door, identity.clone()).await;
    let outcome = match listening {
        Ok(listeners) => {
            stop.wait(identity).await;
            // Nobody may be left to hear it.
            let _ = stopping.send(true);
            if tokio::time::timeout(FAREWELL, listeners.join()).await.is_err() {
                tracing::warn!("some clients did not say goodbye in time");
            }
            Ok(())
        }
        Err(error) => Err(error),
    };
    end(broker).await?;
    outcome
}

/// Opens the data folder.
fn open(options: &ServeOptions) -> Result<Arc<Broker>, ServeError> {
    let guest = hash_password("guest").map_err(|error| ServeError::System {
        what: "no random bytes for a password's salt",
        error: error.to_string(),
    })?;
    let settings = broker::Settings {
        data: options.data.clone(),
        shards: options.shards,
        recent_bytes: options.recent_bytes,
        guest_password: guest,
    };
    let broker = broker::open(&settings).map_err(ServeError::Start)?;
    tracing::info!(data = %options.data.display(), "the data folder is open");
    Ok(broker)
}

/// Does what must be done before anybody connects.
async fn prepare(options: &ServeOptions, broker: &Arc<Broker>) -> Result<(), ServeError> {
    if options.event_exchange {
        let (announced, _) = broker.turn().change(Catalog::announce_events);
        announced.map_err(|refusal| ServeError::System {
            what: "events cannot be published",
            error: refusal.to_string(),
        })?;
    }
    import_definitions(options, broker).await
}

/// Imports the definitions, if there are any to import, and waits until they are on the disk.
async fn import_definitions(options: &ServeOptions, broker: &Arc<Broker>) -> Result<(), ServeError> {
    let Some(file) = &options.definitions else { return Ok(()) };
    let wrong = |error: String| ServeError::Definitions { file: file.clone(), error };
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    let (imported, position) = {
        let mut turn = broker.turn();
        (definitions::import(&mut turn, &text), turn.catalog().position())
    };
    let summary = imported.map_err(|error| wrong(error.to_string()))?;
    for warning in &summary.warnings {
        tracing::warn!("definitions: {warning}");
    }
    if !broker.wait_durable(LogId::Catalog, position).await {
        return Err(wrong("the catalog's log has failed".into()));
    }
    tracing::info!(entries = summary.entries, "definitions imported from {}", file.display());
    Ok(())
}

/// What all connections of AMQP have in common.
fn door(options: &ServeOptions, broker: &Arc<Broker>, stopping: watch::Receiver<bool>) -> AmqpDoor {
    let registry = Arc::new(Registry::default());
    let settings = DoorSettings {
        mechanisms: options.auth_mechanisms.clone(),
        channel_max: options.channel_max,
        frame_max: options.frame_max,
        heartbeat_seconds: options.heartbeat_seconds,
        handshake_ms: options.handshake_timeout.as_millis() as u64,
        message_bytes: options.max_message_bytes,
        traced_vhosts: options.trace.clone(),
        ..DoorSettings::default()
    };
    let watched = Watched {
        data: options.data.clone(),
        disk_free_limit: options.disk_free_limit,
        memory_limit: options.memory_limit,
    };
    AmqpDoor {
        broker: broker.clone(),
        settings: Arc::new(settings),
        authenticator: Arc::new(CatalogAuthenticator::new(registry.clone(), options.guest_anywhere)),
        registry,
        buffers: Arc::default(),
        alarm: alarm::watch(broker, watched),
        stopping,
        permits: Arc::new(Semaphore::new(options.max_connections)),
        proxied: options.proxy_protocol,
    }
}

/// What a listener is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    Amqp,
    Sqs,
}

/// Opens all listeners, or none.
async fn listen(
    options: &ServeOptions,
    door: AmqpDoor,
    identity: Option<Arc<Identity>>,
) -> Result<Listeners, ServeError> {
    let places = [
        (Door::Amqp, &options.amqp, None),
        (Door::Amqp, &options.amqps, identity.clone()),
        (Door::Sqs, &options.sqs.addresses, None),
        (Door::Sqs, &options.sqs.tls_addresses, identity),
    ];
    let mut open = Vec::new();
    for (kind, addresses, identity) in places {
        for address in addresses {
            let bound = TcpListener::bind(address).await;
            let bound = bound.map_err(|error| ServeError::Listen { address: *address, error })?;
            // With port 0 the system has chosen one.
            open.push((kind, bound.local_addr().unwrap_or(*address), bound, identity.clone()));
        }
    }
    let http = http_door(options, &door, sns_signer(options)?);
    let mut listeners = Listeners::default();
    listeners.spawn(http::run_move_tasks(door.broker.clone(), door.stopping.clone()));
    listen_for_control(options, &door, &mut listeners);
    for (kind, address, bound, identity) in open {
        let over = if identity.is_some() { " over TLS" } else { "" };
        let tls = identity.map(|identity| -> Tls { Arc::new(move || identity.acceptor()) });
        match kind {
            Door::Amqp => {
                tracing::info!("AMQP 0-9-1{over} on {address}");
                listeners.accept(door.clone(), bound, tls);
            }
            Door::Sqs => {
                tracing::info!("SQS and SNS{over} on {address}");
                listeners.spawn(http::accept(http.clone(), bound, tls));
            }
        }
    }
    Ok(listeners)
}

/// Opens the control socket. A broker does its work without, and its catalog can be changed when it does not run.
fn listen_for_control(options: &ServeOptions, door: &AmqpDoor, listeners: &mut Listeners) {
    match ControlListener::bind(&options.data) {
        Ok(listener) => {
            let (broker, stopping) = (door.broker.clone(), door.stopping.clone());
            listeners.spawn(listener.run(ControlDoor { broker, stopping }));
        }
        Err(error) => tracing::warn!(%error, "no control socket: commands cannot ask this broker"),
    }
}

/// What all connections of SQS and SNS have in common.
fn http_door(options: &ServeOptions, amqp: &AmqpDoor, signer: Option<Arc<EnvelopeSigner>>) -> HttpDoor {
    let SqsOptions { url, region, account, vhost, cooldowns, max_visibility, .. } = options.sqs.clone();
    let settings = leveret_sqs::DoorSettings {
        vhost: vhost.into(),
        region,
        account,
        url,
        cooldowns,
        longest_lease_ms: max_visibility.as_millis() as u64,
        signer: signer.clone().map(|signer| -> Arc<dyn Signer> { signer }),
        signing_keys: leveret_sqs::sigv4::SigningKeys::default(),
    };
    HttpDoor {
        broker: amqp.broker.clone(),
        settings: Arc::new(settings),
        signer,
        alarm: amqp.alarm.clone(),
        stopping: amqp.stopping.clone(),
        permits: amqp.permits.clone(),
        bodies: Arc::new(Semaphore::new(BODY_BYTES / http::BODY_UNIT)),
    }
}

/// What signs SNS's envelopes; `None` if nobody can ask for any.
fn sns_signer(options: &ServeOptions) -> Result<Option<Arc<EnvelopeSigner>>, ServeError> {
    if options.sqs.addresses.is_empty() && options.sqs.tls_addresses.is_empty() {
        return Ok(None);
    }
    let signer = Arc::new(EnvelopeSigner::open(&options.data).map_err(ServeError::Signing)?);
    signer.prepare();
    Ok(Some(signer))
}

/// The signals that matter to the broker.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
    reload: Signal,
}

impl Stop {
    fn listen() -> Result<Stop, ServeError> {
        let listen = |kind| signal(kind).map_err(ServeError::system("cannot listen for signals"));
        Ok(Stop {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            reload: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for SIGTERM or SIGINT. Until then every SIGHUP reads the files for TLS again.
    async fn wait(mut self, identity: Option<Arc<Identity>>) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
                _ = self.reload.recv() => {
                    match identity.as_ref().map(|identity| identity.reload()) {
                        None => {}
                        Some(Ok(())) => tracing::info!("the files for TLS were read again"),
                        Some(Err(error)) => tracing::error!("the files for TLS stay as they were: {error}"),
                    }
                }
            }
        }
        tracing::info!("stopping");
    }
}

/// Syncs everything and ends the broker's threads.
async fn end(broker: Arc<Broker>) -> Result<(), ServeError> {
    let failure = broker.failure();
    let ended = tokio::task::spawn_blocking(move || broker.stop()).await;
    ended.map_err(|error| ServeError::System {
        what: "the broker did not end well",
        error: error.to_string(),
    })?;
    match failure {
        Some(error) => Err(ServeError::System { what: "a log had failed", error }),
        None => {
            tracing::info!("everything is on the disk");
            Ok(())
        }
    }
}
