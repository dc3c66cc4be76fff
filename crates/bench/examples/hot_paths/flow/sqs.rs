//! Over SQS: requests with the headers of an SDK, and their answers.

use super::World;
use leveret_core::broker::Access;
use leveret_sqs::http::{Request, Response};
use leveret_sqs::protocol::parse;
use leveret_sqs::{Answer, Circumstances, DoorSettings, answer};
use std::fmt::Write;

/// As SDKs sign; there are no access keys, so nobody checks it.
const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=test/20261101/us-east-1/sqs/aws4_request, \
     SignedHeaders=content-type;host;x-amz-date;x-amz-target, \
     Signature=0000000000000000000000000000000000000000000000000000000000000000";

const HOST: &str = "127.0.0.1:9324";

/// How many messages a receive asks for, the most there may be.
const BATCH: u64 = 10;

/// The broker with one queue.
pub(crate) struct SqsFlow {
    world: World,
    settings: DoorSettings,
    /// The requests of which there is but one.
    send: String,
    send_form: String,
    receive: String,
    /// Kept for its memory.
    delete: String,
    sent: u64,
    deleted: u64,
}

/// In which of SQS's protocols a request is made.
#[derive(Clone, Copy)]
enum Protocol {
    /// AWS JSON 1.0: this action.
    Json(&'static str),
    /// Query: the action is in the form.
    Query,
}

impl SqsFlow {
    /// A broker with an empty queue, for messages of `body_bytes` bytes.
    pub(crate) fn new(body_bytes: usize) -> SqsFlow {
        let settings = DoorSettings::default();
        let url = format!("http://{HOST}/000000000000/q");
        let body = "x".repeat(body_bytes);
        let mut flow = SqsFlow {
            world: World::new(),
            settings,
            send: format!("{{\"QueueUrl\":\"{url}\",\"MessageBody\":\"{body}\"}}"),
            send_form: format!("Action=SendMessage&Version=2012-11-05&QueueUrl={url}&MessageBody={body}"),
            receive: format!("{{\"QueueUrl\":\"{url}\",\"MaxNumberOfMessages\":{BATCH}}}"),
            delete: String::new(),
            sent: 0,
            deleted: 0,
        };
        flow.ask(Protocol::Json("AmazonSQS.CreateQueue"), "{\"QueueName\":\"q\"}");
        flow
    }

    /// Sends so many messages, a request each, in JSON.
    pub(crate) fn send(&mut self, messages: u64) {
        let send = std::mem::take(&mut self.send);
        for _ in 0..messages {
            self.ask(Protocol::Json("AmazonSQS.SendMessage"), &send);
        }
        self.send = send;
        self.sent += messages;
    }

    /// Sends so many messages, a request each, in a form.
    pub(crate) fn send_by_query(&mut self, messages: u64) {
        let send = std::mem::take(&mut self.send_form);
        for _ in 0..messages {
            self.ask(Protocol::Query, &send);
        }
        self.send_form = send;
        self.sent += messages;
    }

    /// Receives and deletes all that was sent, which must be a multiple of ten: ten at a time, each deleted by a
    /// request of its own.
    pub(crate) fn receive_and_delete(&mut self) {
        let receive = std::mem::take(&mut self.receive);
        let mut delete = std::mem::take(&mut self.delete);
        while self.deleted < self.sent {
            let response = self.ask(Protocol::Json("AmazonSQS.ReceiveMessage"), &receive);
            let answer = std::str::from_utf8(&response.body).expect("JSON is UTF-8");
            let mut received = 0;
            for handle in handles(answer) {
                received += 1;
                delete.clear();
                write!(
                    delete,
                    "{{\"QueueUrl\":\"http://{HOST}/000000000000/q\",\"ReceiptHandle\":\"{handle}\"}}"
                )
                .expect("a string takes whatever is written");
                self.ask(Protocol::Json("AmazonSQS.DeleteMessage"), &delete);
            }
            assert_eq!(received, BATCH, "a receive gets what it asks for: {answer}");
            self.deleted += received;
        }
        self.receive = receive;
        self.delete = delete;
        assert_eq!((self.world.leases(), self.world.ready("q")), (0, 0), "nothing is left");
    }

    /// A request, whose answer leaves when the logs have what it promises.
    fn ask(&mut self, protocol: Protocol, body: &str) -> Response {
        let (name, target) = match protocol {
            Protocol::Json(target) => ("application/x-amz-json-1.0", target),
            Protocol::Query => ("application/x-www-form-urlencoded", ""),
        };
        let headers: [(&str, &[u8]); 5] = [
            ("host", HOST.as_bytes()),
            ("content-type", name.as_bytes()),
            ("x-amz-date", b"20261101T000000Z"),
            ("authorization", AUTHORIZATION.as_bytes()),
            ("x-amz-target", target.as_bytes()),
        ];
        let with_target = headers.len() - usize::from(target.is_empty());
        let headers = &headers[..with_target];
        let request = Request { method: "POST", path: "/", query: "", headers, body: body.as_bytes() };
        let wall_ms = self.world.now().0;
        let circumstances = Circumstances { loopback: true, tls: false, wall_ms, blocked: None };
        let answer = answer(&self.settings, &mut self.world, &request, parse(&request), circumstances);
        self.world.sync();
        match answer {
            Answer::Ready(response, _) if response.status == 200 => response,
            answer => panic!("{body} was answered by {answer:?}"),
        }
    }
}

/// The receipt handles in an answer: they have no escapes.
fn handles(answer: &str) -> impl Iterator<Item = &str> {
    answer.split("\"ReceiptHandle\":\"").skip(1).filter_map(|rest| rest.split('"').next())
}
