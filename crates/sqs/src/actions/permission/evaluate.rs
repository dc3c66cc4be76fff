//! What a policy says of one of our users. A statement that names nobody of ours, or has conditions, says nothing:
//! the broker's own permissions decide then.

use crate::actions::context::queue_of_arn;
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

/// What a user wants to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish<'a> {
    /// The account, for the user's ARN.
    pub(crate) account: &'a str,
    /// The user's name.
    pub(crate) user: &'a str,
    /// The action, such as `SendMessage`.
    pub(crate) action: &'a str,
    /// The name of the queue.
    pub(crate) queue: &'a str,
}

/// What a policy says of a wish. `policy` is its JSON, if there is one.
pub(crate) fn verdict(policy: Option<&str>, wish: &Wish<'_>) -> Verdict {
    let Some(policy) = policy else { return Verdict::Silent };
    let Ok(policy) = serde_json::from_str::<Value>(policy) else { return Verdict::Silent };
    let mut verdict = Verdict::Silent;
    for statement in each(policy.get("Statement")) {
        if !is_about(statement, wish) {
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

/// Whether a statement says anything of a wish. Each of its parts is there as what it holds for, or, with `Not`, as what
/// it does not hold for.
fn is_about(statement: &Value, wish: &Wish<'_>) -> bool {
    let conditional = statement.get("Condition").and_then(Value::as_object).is_some_and(|it| !it.is_empty());
    let arn = format!("arn:aws:iam::{}:user/{}", wish.account, wish.user);
    let is_user = |named: &str| named == arn || named == wish.user;
    let names_user = |part: &Value| each(part.get("AWS")).filter_map(Value::as_str).any(is_user);
    let names =
        |part: &Value, fits: &dyn Fn(&str) -> bool| each(Some(part)).filter_map(Value::as_str).any(fits);
    let user = match (statement.get("Principal"), statement.get("NotPrincipal")) {
        (_, Some(others)) => !names_user(others) && others != "*",
        (Some(principal), None) => names_user(principal),
        (None, None) => false,
    };
    let action = match (statement.get("Action"), statement.get("NotAction")) {
        (_, Some(others)) => !names(others, &|named| is_action(named, wish.action)),
        (Some(actions), None) => names(actions, &|named| is_action(named, wish.action)),
        (None, None) => false,
    };
    let queue = match (statement.get("Resource"), statement.get("NotResource")) {
        (_, Some(others)) => !names(others, &|named| is_queue(named, wish.queue)),
        (Some(queues), None) => names(queues, &|named| is_queue(named, wish.queue)),
        // The policy is the queue's own.
        (None, None) => true,
    };
    !conditional && user && action && queue
}

/// A value, or each of a list.
fn each(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let (list, single) = match value {
        Some(Value::Array(values)) => (values.as_slice(), None),
        other => (&[][..], other),
    };
    list.iter().chain(single)
}

/// `sqs:SendMessage`, `SQS:*`, `*`, and other patterns.
fn is_action(named: &str, action: &str) -> bool {
    let named = match named.split_once(':') {
        Some((service, name)) if service.eq_ignore_ascii_case("sqs") => name,
        Some(_) => return false,
        None => named,
    };
    // A batch is permitted as what it is a batch of.
    let action = action.strip_suffix("Batch").unwrap_or(action);
    fits(named.to_ascii_lowercase().as_bytes(), action.to_ascii_lowercase().as_bytes())
}

/// The ARN of a queue, or a pattern. As everywhere, a queue is known by its name: the region is the client's to choose.
fn is_queue(named: &str, queue: &str) -> bool {
    named == "*" || queue_of_arn(named).is_some_and(|name| fits(name.as_bytes(), queue.as_bytes()))
}

/// Whether a text fits a pattern: `*` stands for anything, `?` for one byte.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    // What to go back to: behind the last asterisk, and where in the text to look for the rest next.
    let mut back = None;
    let (mut at, mut seen) = (0, 0);
    while seen < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                at += 1;
                back = Some((at, seen));
            }
            Some(byte) if *byte == b'?' || *byte == text[seen] => (at, seen) = (at + 1, seen + 1),
            _ => {
                let Some((behind, from)) = back else { return false };
                back = Some((behind, from + 1));
                (at, seen) = (behind, from + 1);
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"{"Statement":[
        {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::0:user/ann"},"Action":["SQS:SendMessage","sqs:Get*"]},
        {"Effect":"Deny","Principal":{"AWS":["bob"]},"Action":"*"},
        {"Effect":"Deny","Principal":"*","Action":"*"},
        {"Effect":"Deny","Principal":{"AWS":"ann"},"Action":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}"#;

    fn says(policy: Option<&str>, user: &str, action: &str) -> Verdict {
        verdict(policy, &Wish { account: "0", user, action, queue: "orders" })
    }

    #[test]
    fn statements_hold_for_the_users_they_name() {
        let says_of = |user, action| says(Some(POLICY), user, action);
        assert_eq!(says_of("ann", "SendMessage"), Verdict::Allow);
        assert_eq!(says_of("ann", "SendMessageBatch"), Verdict::Allow);
        assert_eq!(says_of("ann", "GetQueueAttributes"), Verdict::Allow);
        assert_eq!(says_of("ann", "ReceiveMessage"), Verdict::Silent);
        assert_eq!(says_of("bob", "SendMessage"), Verdict::Deny);
        assert_eq!(says_of("eve", "SendMessage"), Verdict::Silent);
        assert_eq!(says(Some("no JSON"), "bob", "SendMessage"), Verdict::Silent);
        assert_eq!(says(None, "bob", "SendMessage"), Verdict::Silent);
    }

    /// What a policy of one statement says of ann, who sends to `orders`.
    fn of_statement(parts: &str) -> Verdict {
        let policy = format!(r#"{{"Statement":{{"Effect":"Deny",{parts}}}}}"#);
        says(Some(&policy), "ann", "SendMessage")
    }

    #[test]
    fn statements_hold_for_the_queues_they_name() {
        let of = |resource| of_statement(&format!(r#""Principal":{{"AWS":"ann"}},"Action":"*",{resource}"#));
        for about in [
            r#""Resource":"*""#,
            r#""Resource":"arn:aws:sqs:eu-west-1:0:orders""#,
            r#""Resource":["arn:aws:sqs:*:*:bills","arn:aws:sqs:*:*:ord?r*"]"#,
            r#""NotResource":"arn:aws:sqs:*:*:bills""#,
        ] {
            assert_eq!(of(about), Verdict::Deny, "{about}");
        }
        for other in [
            r#""Resource":"arn:aws:sqs:eu-west-1:0:order""#,
            r#""Resource":"arn:aws:sns:eu-west-1:0:orders""#,
            r#""Resource":[]"#,
            r#""NotResource":["arn:aws:sqs:*:*:o*"]"#,
        ] {
            assert_eq!(of(other), Verdict::Silent, "{other}");
        }
    }

    #[test]
    fn what_a_statement_does_not_hold_for_is_the_rest() {
        let others = r#""NotPrincipal":{"AWS":["bob","arn:aws:iam::0:user/eve"]},"Action":"sqs:*""#;
        assert_eq!(of_statement(others), Verdict::Deny);
        assert_eq!(of_statement(&others.replace("bob", "ann")), Verdict::Silent);
        assert_eq!(of_statement(r#""NotPrincipal":"*","Action":"*""#), Verdict::Silent);
        let but = r#""Principal":{"AWS":"ann"},"NotAction":["sqs:Receive*","sqs:Get*"]"#;
        assert_eq!(of_statement(but), Verdict::Deny);
        assert_eq!(of_statement(&but.replace("Get", "Send")), Verdict::Silent);
    }

    #[test]
    fn patterns() {
        for (pattern, text) in [("", ""), ("*", ""), ("a*c*", "abcbc"), ("*b?", "abbc"), ("a**", "a")] {
            assert!(fits(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("a", ""), ("a*b", "abc"), ("?", ""), ("*ab", "aab c")] {
            assert!(!fits(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
        }
    }
}
