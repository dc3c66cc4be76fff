//! One method of each kind.

use leveret_core::wire::RawTable;

use crate::codec::method::{access, basic, channel, confirm, connection, exchange, queue, tx};
use crate::codec::{Method, method::Arguments};

/// `{"k": true, "n": 5, "t": {}}`, encoded: in the order in which a sorted map would write it.
pub(super) const TABLE: &[u8] = b"\x01kt\x01\x01nI\x00\x00\x00\x05\x01tF\x00\x00\x00\x00";

fn table() -> RawTable<'static> {
    RawTable::parse(TABLE).unwrap()
}

/// All methods of all classes. What the specification reserves has the value it must be sent with.
pub(super) fn all_methods() -> Vec<Method<'static>> {
    let connection = connection_methods().into_iter().map(Method::Connection);
    let exchange = exchange_methods().into_iter().map(Method::Exchange);
    let queue = queue_methods().into_iter().map(Method::Queue);
    let basic = basic_methods().into_iter().map(Method::Basic);
    connection.chain(small_classes()).chain(exchange).chain(queue).chain(basic).collect()
}

/// The frame of a method on a channel.
pub(super) fn frame_of(method: &impl Arguments, channel: u16) -> Vec<u8> {
    let mut out = Vec::new();
    method.write_frame(channel, &mut out);
    out
}

fn connection_methods() -> Vec<connection::Method<'static>> {
    use connection::*;
    let (mechanism, locale) = ("PLAIN", "en_US");
    let (response, virtual_host) = (b"\0guest\0guest".as_slice(), "/");
    vec![
        Method::Start(Start {
            version_major: 0,
            version_minor: 9,
            server_properties: table(),
            mechanisms: b"PLAIN AMQPLAIN",
            locales: b"en_US",
        }),
        Method::StartOk(StartOk { client_properties: table(), mechanism, response, locale }),
        Method::Secure(Secure { challenge: b"\xff\x00" }),
        Method::SecureOk(SecureOk { response }),
        Method::Tune(Tune { channel_max: 2047, frame_max: 131_072, heartbeat: 60 }),
        Method::TuneOk(TuneOk { channel_max: 1, frame_max: 4096, heartbeat: 0 }),
        Method::Open(Open { virtual_host, capabilities: "", insist: false }),
        Method::OpenOk(OpenOk { known_hosts: "" }),
        Method::Close(Close { reply_code: 541, reply_text: "INTERNAL_ERROR", class_id: 60, method_id: 40 }),
        Method::CloseOk(CloseOk {}),
        Method::Blocked(Blocked { reason: "low on disk" }),
        Method::Unblocked(Unblocked {}),
        Method::UpdateSecret(UpdateSecret { new_secret: b"s3cret", reason: "renewed" }),
        Method::UpdateSecretOk(UpdateSecretOk {}),
    ]
}

/// The classes whose methods fit few lines: channel, access, confirm, tx.
fn small_classes() -> Vec<Method<'static>> {
    let close = channel::Close { reply_code: 404, reply_text: "NOT_FOUND", class_id: 50, method_id: 10 };
    let request = access::Request {
        realm: "/data",
        exclusive: false,
        passive: true,
        active: true,
        write: false,
        read: true,
    };
    vec![
        Method::Channel(channel::Method::Open(channel::Open { out_of_band: "" })),
        Method::Channel(channel::Method::OpenOk(channel::OpenOk { channel_id: b"" })),
        Method::Channel(channel::Method::Flow(channel::Flow { active: true })),
        Method::Channel(channel::Method::FlowOk(channel::FlowOk { active: false })),
        Method::Channel(channel::Method::Close(close)),
        Method::Channel(channel::Method::CloseOk(channel::CloseOk {})),
        Method::Access(access::Method::Request(request)),
        Method::Access(access::Method::RequestOk(access::RequestOk { ticket: 1 })),
        Method::Confirm(confirm::Method::Select(confirm::Select { nowait: true })),
        Method::Confirm(confirm::Method::SelectOk(confirm::SelectOk {})),
        Method::Tx(tx::Method::Select(tx::Select {})),
        Method::Tx(tx::Method::SelectOk(tx::SelectOk {})),
        Method::Tx(tx::Method::Commit(tx::Commit {})),
        Method::Tx(tx::Method::CommitOk(tx::CommitOk {})),
        Method::Tx(tx::Method::Rollback(tx::Rollback {})),
        Method::Tx(tx::Method::RollbackOk(tx::RollbackOk {})),
    ]
}

fn exchange_methods() -> Vec<exchange::Method<'static>> {
    use exchange::*;
    let (ticket, exchange, arguments) = (0, "orders", table());
    let (destination, source, routing_key, nowait) = ("to", "from", "a.*", true);
    vec![
        Method::Declare(Declare {
            ticket,
            exchange,
            kind: "topic",
            passive: false,
            durable: true,
            auto_delete: false,
            internal: true,
            nowait: false,
            arguments,
        }),
        Method::DeclareOk(DeclareOk {}),
        Method::Delete(Delete { ticket, exchange, if_unused: true, nowait: false }),
        Method::DeleteOk(DeleteOk {}),
        Method::Bind(Bind { ticket, destination, source, routing_key, nowait, arguments }),
        Method::BindOk(BindOk {}),
        Method::Unbind(Unbind { ticket, destination, source, routing_key, nowait, arguments }),
        Method::UnbindOk(UnbindOk {}),
    ]
}

fn queue_methods() -> Vec<queue::Method<'static>> {
    use queue::*;
    let (ticket, queue, arguments) = (0, "größe", table());
    let (exchange, routing_key) = ("orders", "new");
    vec![
        Method::Declare(Declare {
            ticket,
            queue,
            passive: false,
            durable: true,
            exclusive: false,
            auto_delete: false,
            nowait: true,
            arguments,
        }),
        Method::DeclareOk(DeclareOk { queue, message_count: 7, consumer_count: 2 }),
        Method::Bind(Bind { ticket, queue, exchange, routing_key, nowait: false, arguments }),
        Method::BindOk(BindOk {}),
        Method::Purge(Purge { ticket, queue, nowait: true }),
        Method::PurgeOk(PurgeOk { message_count: u32::MAX }),
        Method::Delete(Delete { ticket, queue, if_unused: false, if_empty: true, nowait: false }),
        Method::DeleteOk(DeleteOk { message_count: 0 }),
        Method::Unbind(Unbind { ticket, queue, exchange, routing_key, arguments }),
        Method::UnbindOk(UnbindOk {}),
    ]
}

fn basic_methods() -> Vec<basic::Method<'static>> {
    use basic::*;
    let (ticket, queue, consumer_tag, arguments) = (0, "q", "ctag-1", table());
    let (delivery_tag, exchange, routing_key) = (u64::MAX - 1, "orders", "new");
    vec![
        Method::Qos(Qos { prefetch_size: 0, prefetch_count: 10, global: true }),
        Method::QosOk(QosOk {}),
        Method::Consume(Consume {
            ticket,
            queue,
            consumer_tag,
            no_local: false,
            no_ack: true,
            exclusive: false,
            nowait: true,
            arguments,
        }),
        Method::ConsumeOk(ConsumeOk { consumer_tag }),
        Method::Cancel(Cancel { consumer_tag, nowait: false }),
        Method::CancelOk(CancelOk { consumer_tag }),
        Method::Publish(Publish { ticket, exchange, routing_key, mandatory: false, immediate: true }),
        Method::Return(Return { reply_code: 312, reply_text: "NO_ROUTE", exchange, routing_key }),
        Method::Deliver(Deliver { consumer_tag, delivery_tag, redelivered: true, exchange, routing_key }),
        Method::Get(Get { ticket, queue, no_ack: true }),
        Method::GetOk(GetOk { delivery_tag, redelivered: false, exchange, routing_key, message_count: 1 }),
        Method::GetEmpty(GetEmpty { cluster_id: "" }),
        Method::Ack(Ack { delivery_tag, multiple: true }),
        Method::Reject(Reject { delivery_tag, requeue: true }),
        Method::RecoverAsync(RecoverAsync { requeue: true }),
        Method::Recover(Recover { requeue: false }),
        Method::RecoverOk(RecoverOk {}),
        Method::Nack(Nack { delivery_tag, multiple: false, requeue: true }),
    ]
}
