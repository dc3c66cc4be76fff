//! A client of the door that signs nothing, and reads answers as an SDK does.

use crate::http::{Request, Response};
use crate::protocol::parse;
use crate::{Answer, Circumstances, DoorSettings, Waiting, answer};
use leveret_core::broker::{Access, Waits};
use leveret_rig::World;
use serde_json::{Value, json};

pub(super) struct Client {
    pub(super) world: World,
    pub(super) settings: DoorSettings,
    pub(super) loopback: bool,
    pub(super) blocked: Option<&'static str>,
    /// What the last answer waits for.
    pub(super) waits: Waits,
}

impl Client {
    pub(super) fn new() -> Client {
        let settings = DoorSettings::default();
        Client { world: World::new(), settings, loopback: true, blocked: None, waits: Waits::None }
    }

    /// Sends a request as it is.
    pub(super) fn send(&mut self, request: &Request<'_>) -> Result<Response, Box<Waiting>> {
        let circumstances = Circumstances {
            loopback: self.loopback,
            tls: false,
            wall_ms: self.world.now().0,
            blocked: self.blocked,
        };
        let answered = answer(&self.settings, &mut self.world, request, parse(request), circumstances);
        self.world.finish();
        self.world.housekeep();
        match answered {
            Answer::Ready(response, waits) => {
                self.waits = waits;
                Ok(response)
            }
            Answer::Waiting(waiting) => Err(waiting),
        }
    }

    /// Calls an action in JSON; the status and the body.
    pub(super) fn json(&mut self, action: &str, parameters: &Value) -> (u16, Value) {
        let response = self.try_json(action, parameters).expect("it does not wait");
        (response.status, serde_json::from_slice(&response.body).unwrap())
    }

    pub(super) fn try_json(&mut self, action: &str, parameters: &Value) -> Result<Response, Box<Waiting>> {
        let target = format!("AmazonSQS.{action}");
        let body = parameters.to_string();
        let headers: [(&str, &[u8]); 2] = [("x-amz-target", target.as_bytes()), ("host", b"broker:9324")];
        self.send(&Request { method: "POST", path: "/", query: "", headers: &headers, body: body.as_bytes() })
    }

    /// An action that succeeds.
    pub(super) fn done(&mut self, action: &str, parameters: &Value) -> Value {
        let (status, body) = self.json(action, parameters);
        assert_eq!(status, 200, "{action} {parameters}: {body}");
        body
    }

    /// The name of the error of an action that fails.
    pub(super) fn error(&mut self, action: &str, parameters: &Value) -> String {
        let (status, body) = self.json(action, parameters);
        assert!(status >= 400, "{action} {parameters}: {body}");
        body["__type"].as_str().unwrap().rsplit('#').next().unwrap().to_owned()
    }

    /// Calls an action in the Query protocol; the status and the XML.
    pub(super) fn form(&mut self, form: &str) -> (u16, String) {
        let headers: [(&str, &[u8]); 1] = [("host", b"broker:9324")];
        let request =
            Request { method: "POST", path: "/", query: "", headers: &headers, body: form.as_bytes() };
        let response = self.send(&request).expect("it does not wait");
        (response.status, String::from_utf8(response.body).unwrap())
    }

    /// Makes a queue; its URL.
    pub(super) fn queue(&mut self, name: &str, attributes: Value) -> String {
        let made = self.done("CreateQueue", &json!({ "QueueName": name, "Attributes": attributes }));
        made["QueueUrl"].as_str().unwrap().to_owned()
    }

    /// The first message that a queue has.
    pub(super) fn receive(&mut self, url: &str) -> Option<Value> {
        let asked = json!({ "QueueUrl": url, "AttributeNames": ["All"], "MessageAttributeNames": ["All"] });
        let received = self.done("ReceiveMessage", &asked);
        Some(received.get("Messages")?[0].clone())
    }

    /// Whether what the last answer waits for is durable.
    pub(super) fn holds(&self) -> bool {
        self.waits.as_slice().iter().all(|wait| self.world.durable(wait.log) >= wait.position)
    }
}
