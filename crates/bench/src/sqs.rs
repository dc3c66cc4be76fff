//! Requests of SQS, AWS JSON 1.0 with the headers that an SDK sends, and what is read of the answers. The signature has its
//! length and is wrong, which a server without access keys does not mind; or there is none, for somebody to add it.

use std::fmt::Write as _;

/// Entries of a batch, and messages of a receive: the most that SQS allows.
pub const BATCH: usize = 10;

/// What is asked, and of whom.
#[derive(Clone, Debug)]
pub struct Requests {
    host: String,
    queue_url: String,
    dialect: Dialect,
    message_body: String,
    /// The headers of a signature, each with the end of its line.
    signature: String,
}

/// Who answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    /// A broker with SQS.
    Sqs,
    /// A server that answers as many bytes as the path says.
    Ceiling,
}

/// The length of the answers that the ceiling gives, in bytes: those of the broker's, with messages of 100 bytes.
mod answer_bytes {
    pub(super) const SENT: usize = 107;
    pub(super) const SENT_EACH: usize = 116;
    pub(super) const RECEIVED_EACH: usize = 282;
    pub(super) const DELETED_EACH: usize = 10;
    pub(super) const AROUND_A_LIST: usize = 17;
}

impl Requests {
    /// Requests to a host, about messages of so many bytes.
    pub fn new(host: String, dialect: Dialect, message_bytes: usize) -> Self {
        let signature = wrong_signature();
        Self { host, queue_url: String::new(), dialect, message_body: "m".repeat(message_bytes), signature }
    }

    /// The same without a signature, for somebody who adds one.
    pub fn without_signature(self) -> Self {
        Self { signature: String::new(), ..self }
    }

    /// The same, about this queue.
    pub fn of_queue(&self, queue_url: String) -> Self {
        Self { queue_url, ..self.clone() }
    }

    /// Makes a queue.
    pub fn create_queue(&self, name: &str) -> Vec<u8> {
        self.request("CreateQueue", 0, &format!("{{\"QueueName\":\"{name}\"}}"))
    }

    /// Makes a FIFO queue that knows duplicates by their bodies.
    pub fn create_fifo_queue(&self, name: &str) -> Vec<u8> {
        let attributes = r#"{"FifoQueue":"true","ContentBasedDeduplication":"true"}"#;
        self.request("CreateQueue", 0, &format!(r#"{{"QueueName":"{name}","Attributes":{attributes}}}"#))
    }

    /// Asks for the URL of a queue.
    pub fn queue_url(&self, name: &str) -> Vec<u8> {
        self.request("GetQueueUrl", 0, &format!(r#"{{"QueueName":"{name}"}}"#))
    }

    /// Asks how many messages wait and how many are in flight.
    pub fn message_counts(&self) -> Vec<u8> {
        let names = r#"["ApproximateNumberOfMessages","ApproximateNumberOfMessagesNotVisible"]"#;
        let body = format!(r#"{{"QueueUrl":"{}","AttributeNames":{names}}}"#, self.queue_url);
        self.request("GetQueueAttributes", 0, &body)
    }

    /// Deletes the queue.
    pub fn delete_queue(&self) -> Vec<u8> {
        self.request("DeleteQueue", 0, &format!("{{\"QueueUrl\":\"{}\"}}", self.queue_url))
    }

    /// Sends a message.
    pub fn send(&self) -> Vec<u8> {
        self.send_one(&self.message_body, None)
    }

    /// Sends [`BATCH`] messages.
    pub fn send_batch(&self) -> Vec<u8> {
        self.send_entries(&vec![(self.message_body.clone(), None); BATCH])
    }

    /// Sends messages with these bodies and groups.
    pub fn send_entries(&self, messages: &[(String, Option<&str>)]) -> Vec<u8> {
        let entry = |(id, (body, group)): (usize, &(String, Option<&str>))| {
            let group = group.map(|group| format!(r#","MessageGroupId":"{group}""#)).unwrap_or_default();
            format!(r#"{{"Id":"{id}","MessageBody":"{body}"{group}}}"#)
        };
        let entries: Vec<String> = messages.iter().enumerate().map(entry).collect();
        let answer = answer_bytes::AROUND_A_LIST + entries.len() * answer_bytes::SENT_EACH;
        self.request("SendMessageBatch", answer, &self.entries(&entries))
    }

    /// Sends a message with this body and group.
    pub fn send_one(&self, body: &str, group: Option<&str>) -> Vec<u8> {
        let group = group.map(|group| format!(r#","MessageGroupId":"{group}""#)).unwrap_or_default();
        let body = format!(r#"{{"QueueUrl":"{}","MessageBody":"{body}"{group}}}"#, self.queue_url);
        self.request("SendMessage", answer_bytes::SENT, &body)
    }

    /// Receives up to `most` messages, and waits so many seconds for one.
    pub fn receive_waiting(&self, most: usize, seconds: u32) -> Vec<u8> {
        let body = format!(
            r#"{{"QueueUrl":"{}","MaxNumberOfMessages":{most},"WaitTimeSeconds":{seconds}}}"#,
            self.queue_url
        );
        self.request("ReceiveMessage", 0, &body)
    }

    /// Receives up to `most` messages.
    pub fn receive(&self, most: usize) -> Vec<u8> {
        let body = format!("{{\"QueueUrl\":\"{}\",\"MaxNumberOfMessages\":{most}}}", self.queue_url);
        self.request(
            "ReceiveMessage",
            answer_bytes::AROUND_A_LIST + most * answer_bytes::RECEIVED_EACH,
            &body,
        )
    }

    /// Deletes a message.
    pub fn delete(&self, handle: &str) -> Vec<u8> {
        let body = format!("{{\"QueueUrl\":\"{}\",\"ReceiptHandle\":\"{handle}\"}}", self.queue_url);
        self.request("DeleteMessage", 0, &body)
    }

    /// Deletes messages.
    pub fn delete_batch(&self, handles: &[String]) -> Vec<u8> {
        let entry = |(id, handle)| format!("{{\"Id\":\"{id}\",\"ReceiptHandle\":\"{handle}\"}}");
        let entries: Vec<String> = handles.iter().enumerate().map(entry).collect();
        let answer = answer_bytes::AROUND_A_LIST + entries.len() * answer_bytes::DELETED_EACH;
        self.request("DeleteMessageBatch", answer, &self.entries(&entries))
    }

    /// Handles for the ceiling, which gives none: as long as the broker's.
    pub fn made_up_handles(&self, count: usize) -> Vec<String> {
        vec!["h".repeat(31); count]
    }

    /// Who answers.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn entries(&self, entries: &[String]) -> String {
        format!("{{\"QueueUrl\":\"{}\",\"Entries\":[{}]}}", self.queue_url, entries.join(","))
    }

    fn request(&self, action: &str, answer_bytes: usize, body: &str) -> Vec<u8> {
        let path = match self.dialect {
            Dialect::Sqs => String::new(),
            Dialect::Ceiling => answer_bytes.to_string(),
        };
        let mut request = String::with_capacity(1024 + body.len());
        let written = write!(
            request,
            "POST /{path} HTTP/1.1\r\n\
             Host: {}\r\n\
             Accept-Encoding: identity\r\n\
             X-Amz-Target: AmazonSQS.{action}\r\n\
             Content-Type: application/x-amz-json-1.0\r\n\
             User-Agent: leveret-bench md/sqs ua/2.1 os/linux lang/rust\r\n\
             {}\
             Content-Length: {}\r\n\r\n{body}",
            self.host,
            self.signature,
            body.len()
        );
        written.expect("a string takes whatever is written");
        request.into_bytes()
    }
}

/// The headers of a signature that has the length of a right one.
fn wrong_signature() -> String {
    format!(
        "X-Amz-Date: 20261101T000000Z\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=test/20261101/us-east-1/sqs/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature={:064}\r\n",
        0
    )
}

/// The texts of a name in a JSON answer, in order. For ids and URLs: it knows no escapes.
pub fn texts<'a>(answer: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let quoted = format!("\"{name}\"");
    let mut rest = answer;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(&quoted)?;
        let (text, after) = after.trim_start_matches([':', ' ']).strip_prefix('"')?.split_once('"')?;
        rest = after;
        Some(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_the_length_of_its_body() {
        let requests = Requests::new("h:1".to_owned(), Dialect::Sqs, 3).of_queue("http://h:1/0/q".to_owned());
        let request = String::from_utf8(requests.send()).unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST / HTTP/1.1\r\nHost: h:1\r\n"), "{head}");
        assert!(head.ends_with(&format!("\r\nContent-Length: {}", body.len())), "{head}");
        assert_eq!(body, r#"{"QueueUrl":"http://h:1/0/q","MessageBody":"mmm"}"#);
    }

    #[test]
    fn the_ceiling_is_told_how_much_to_answer() {
        let request = Requests::new("h:1".to_owned(), Dialect::Ceiling, 3).receive(BATCH);
        assert!(request.starts_with(b"POST /2837 HTTP/1.1\r\n"), "{}", String::from_utf8_lossy(&request));
    }

    #[test]
    fn texts_are_found_with_and_without_blanks() {
        let answer = r#"{"Messages":[{"Handle":"a","Body":"b"},{"Handle": "c"}]}"#;
        assert_eq!(texts(answer, "Handle").collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(texts(answer, "Id").count(), 0);
    }
}
