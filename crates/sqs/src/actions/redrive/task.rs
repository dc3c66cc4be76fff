//! The handle of a task: base64 of JSON that names the task and its source, as AWS makes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The handle of a task.
pub(super) fn handle(task: &str, source_arn: &str) -> String {
    STANDARD.encode(json!({ "taskId": task, "sourceArn": source_arn }).to_string())
}

/// The task and the source that a handle names; `None` if it is none.
pub(super) fn read(handle: &str) -> Option<(String, String)> {
    let value: Value = serde_json::from_slice(&STANDARD.decode(handle).ok()?).ok()?;
    Some((value.get("taskId")?.as_str()?.to_owned(), value.get("sourceArn")?.as_str()?.to_owned()))
}
