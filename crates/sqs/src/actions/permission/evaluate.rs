//! What a policy says of one of our users. A statement that names nobody of ours, or has conditions, says nothing:
//! the broker's own permissions decide then.

use serde_json::Value;

/// What a policy says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// A statement allows it, and none denies it.
    Allow,
    /// A statement denies it.
    Deny,
    /// No statement says anything of it.
    Silent,
}

/// What a policy says of an action of a user. `policy` is its JSON, if there is one.
pub(crate) fn verdict(policy: Option<&str>, account: &str, user: &str, action: &str) -> Verdict {
    let Some(policy) = policy else { return Verdict::Silent };
    let Ok(policy) = serde_json::from_str::<Value>(policy) else { return Verdict::Silent };
    let arn = format!("arn:aws:iam::{account}:user/{user}");
    let mut verdict = Verdict::Silent;
    for statement in each(policy.get("Statement")) {
        let conditional =
            statement.get("Condition").and_then(Value::as_object).is_some_and(|it| !it.is_empty());
        let names_user = principals(statement).any(|principal| principal == arn || principal == user);
        if conditional || !names_user || !each(statement.get("Action")).any(|named| is_action(named, action))
        {
            continue;
        }
        match statement.get("Effect").and_then(Value::as_str) {
            Some("Deny") => return Verdict::Deny,
            Some("Allow") => verdict = Verdict::Allow,
            _ => {}
        }
    }
    verdict
}

/// A value, or each of a list.
fn each(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let (list, single) = match value {
        Some(Value::Array(values)) => (values.as_slice(), None),
        other => (&[][..], other),
    };
    list.iter().chain(single)
}

fn principals(statement: &Value) -> impl Iterator<Item = &str> {
    each(statement.get("Principal").and_then(|principal| principal.get("AWS"))).filter_map(Value::as_str)
}

/// `sqs:SendMessage`, `SQS:*`, `*`, and names that end with an asterisk.
fn is_action(named: &Value, action: &str) -> bool {
    let Some(named) = named.as_str() else { return false };
    let named = match named.split_once(':') {
        Some((service, name)) if service.eq_ignore_ascii_case("sqs") => name,
        Some(_) => return false,
        None => named,
    };
    // A batch is permitted as what it is a batch of.
    let action = action.strip_suffix("Batch").unwrap_or(action);
    match named.strip_suffix('*') {
        Some(start) => action.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)),
        None => named.eq_ignore_ascii_case(action),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"{"Statement":[
        {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::0:user/ann"},"Action":["SQS:SendMessage","sqs:Get*"]},
        {"Effect":"Deny","Principal":{"AWS":["bob"]},"Action":"*"},
        {"Effect":"Deny","Principal":"*","Action":"*"},
        {"Effect":"Deny","Principal":{"AWS":"ann"},"Action":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}"#;

    #[test]
    fn statements_hold_for_the_users_they_name() {
        let says = |user, action| verdict(Some(POLICY), "0", user, action);
        assert_eq!(says("ann", "SendMessage"), Verdict::Allow);
        assert_eq!(says("ann", "SendMessageBatch"), Verdict::Allow);
        assert_eq!(says("ann", "GetQueueAttributes"), Verdict::Allow);
        assert_eq!(says("ann", "ReceiveMessage"), Verdict::Silent);
        assert_eq!(says("bob", "SendMessage"), Verdict::Deny);
        assert_eq!(says("eve", "SendMessage"), Verdict::Silent);
        assert_eq!(verdict(Some("no JSON"), "0", "bob", "SendMessage"), Verdict::Silent);
        assert_eq!(verdict(None, "0", "bob", "SendMessage"), Verdict::Silent);
    }
}
