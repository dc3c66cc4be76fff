//! Answers and errors: their exact bytes in both protocols. The parsers of botocore 1.34 (Query) and 1.44 (JSON) were seen
//! to read them.

use super::*;

fn json_body(output: &Output) -> String {
    let response = success(&json_call("AmazonSQS.ReceiveMessage", "{}").unwrap(), output, "r");
    assert_eq!((response.status, response.content_type), (200, "application/x-amz-json-1.0"));
    assert_eq!(response.headers, [("x-amzn-requestid", "r".to_owned())]);
    String::from_utf8(response.body).unwrap()
}

/// The document of a query's answer, without what every answer has around it.
fn query_body(version: &str, action: &str, output: &Output) -> String {
    let call = form_call("/", &format!("Action={action}&Version={version}"), "").unwrap();
    let response = success(&call, output, "r");
    assert_eq!((response.status, response.content_type), (200, "text/xml"));
    assert_eq!(response.headers, [("x-amzn-requestid", "r".to_owned())]);
    let text = String::from_utf8(response.body).unwrap();
    let space = match version {
        "2012-11-05" => "http://queue.amazonaws.com/doc/2012-11-05/",
        "2010-03-31" => "http://sns.amazonaws.com/doc/2010-03-31/",
        _ => "https://sts.amazonaws.com/doc/2011-06-15/",
    };
    let head = format!("<?xml version=\"1.0\"?><{action}Response xmlns=\"{space}\">");
    let tail = format!("<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{action}Response>");
    text.strip_prefix(&head).unwrap().strip_suffix(&tail).unwrap().to_owned()
}

fn sqs(action: &str, output: &Output) -> String {
    query_body("2012-11-05", action, output)
}

fn sns(action: &str, output: &Output) -> String {
    query_body("2010-03-31", action, output)
}

#[test]
fn a_message_has_the_fields_that_sdks_read() {
    let value = Output::new().text("StringValue", "7").text("DataType", "Number");
    let message = Output::new()
        .text("MessageId", "m")
        .text("Body", "x")
        .map("Attributes", ("Attribute", "Name", "Value"), vec![("SenderId".into(), "s".into())])
        .map_of_structures(
            "MessageAttributes",
            ("MessageAttribute", "Name", "Value"),
            vec![("n".into(), value)],
        );
    let output = Output::new().list("Messages", "Message", vec![message.clone(), message]);
    let json = r#"{"MessageId":"m","Body":"x","Attributes":{"SenderId":"s"},"MessageAttributes":{"n":{"StringValue":"7","DataType":"Number"}}}"#;
    assert_eq!(json_body(&output), format!(r#"{{"Messages":[{json},{json}]}}"#));
    let xml = "<Message><MessageId>m</MessageId><Body>x</Body>\
         <Attribute><Name>SenderId</Name><Value>s</Value></Attribute>\
         <MessageAttribute><Name>n</Name><Value><StringValue>7</StringValue><DataType>Number</DataType></Value>\
         </MessageAttribute></Message>";
    assert_eq!(
        sqs("ReceiveMessage", &output),
        format!("<ReceiveMessageResult>{xml}{xml}</ReceiveMessageResult>")
    );
}

#[test]
fn the_other_kinds_of_fields() {
    let failed = Output::new().text("Id", "a").flag("SenderFault", true);
    let output = Output::new()
        .texts("QueueUrls", "QueueUrl", vec!["u1".into(), "u2".into()])
        .optional("NextToken", Some("t"))
        .optional("Absent", None::<&str>)
        .list("Failed", "BatchResultErrorEntry", vec![failed])
        .and(Output::new().integer("StartedTimestamp", -5));
    assert_eq!(
        json_body(&output),
        r#"{"QueueUrls":["u1","u2"],"NextToken":"t","Failed":[{"Id":"a","SenderFault":true}],"StartedTimestamp":-5}"#
    );
    assert_eq!(
        sqs("ListQueues", &output),
        "<ListQueuesResult><QueueUrl>u1</QueueUrl><QueueUrl>u2</QueueUrl><NextToken>t</NextToken>\
         <BatchResultErrorEntry><Id>a</Id><SenderFault>true</SenderFault></BatchResultErrorEntry>\
         <StartedTimestamp>-5</StartedTimestamp></ListQueuesResult>"
    );
}

#[test]
fn sns_has_an_element_around_lists_and_maps_even_of_nothing() {
    let topics = Output::new()
        .members("Topics", vec![Output::new().text("TopicArn", "t")])
        .entries("Attributes", vec![("DisplayName".into(), "d".into())])
        .structure("Inner", Output::new().flag("Pending", false));
    assert_eq!(
        sns("ListTopics", &topics),
        "<ListTopicsResult><Topics><member><TopicArn>t</TopicArn></member></Topics>\
         <Attributes><entry><key>DisplayName</key><value>d</value></entry></Attributes>\
         <Inner><Pending>false</Pending></Inner></ListTopicsResult>"
    );
    let none = Output::new().members("Topics", Vec::new()).entries("Attributes", Vec::new());
    assert_eq!(sns("ListTopics", &none), "<ListTopicsResult><Topics/><Attributes/></ListTopicsResult>");
    assert_eq!(json_body(&none), r#"{"Topics":[],"Attributes":{}}"#);
}

/// Recorded from AWS: an empty receive is `<ReceiveMessageResult/>`. Without the element botocore raises a KeyError.
#[test]
fn an_empty_result_has_an_element_where_the_model_names_one() {
    let none = Output::new().list("Messages", "Message", Vec::new()).map(
        "Attributes",
        ("Attribute", "Name", "Value"),
        Vec::new(),
    );
    assert_eq!(json_body(&none), "{}");
    for action in
        ["ReceiveMessage", "ListQueues", "ListQueueTags", "GetQueueAttributes", "ListMessageMoveTasks"]
    {
        assert_eq!(sqs(action, &none), format!("<{action}Result/>"));
    }
    for action in
        ["DeleteMessage", "DeleteQueue", "PurgeQueue", "SetQueueAttributes", "TagQueue", "AddPermission"]
    {
        assert_eq!(sqs(action, &none), "");
    }
    for action in ["TagResource", "UntagResource", "ListSubscriptions"] {
        assert_eq!(sns(action, &none), format!("<{action}Result/>"));
    }
    for action in ["DeleteTopic", "Unsubscribe", "SetTopicAttributes"] {
        assert_eq!(sns(action, &none), "");
    }
    let caller = Output::new().text("Account", "0");
    let result = "<GetCallerIdentityResult><Account>0</Account></GetCallerIdentityResult>";
    assert_eq!(query_body("2011-06-15", "GetCallerIdentity", &caller), result);
}

#[test]
fn text_survives_every_parser() {
    let body = |text: &str| Output::new().text("Body", text);
    let text = "a<b>&\"'\\/ \r\n\t\u{8}\u{b}\u{1f}\u{7f}é\u{2028}😀\u{fffd}";
    let json = json_body(&body(text));
    assert_eq!(
        json,
        "{\"Body\":\"a<b>&\\\"'\\\\/ \\r\\n\\t\\u0008\\u000b\\u001f\u{7f}é\u{2028}😀\u{fffd}\"}"
    );
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["Body"], text);
    // What XML cannot have is U+FFFD; carriage returns are kept by an escape.
    assert_eq!(
        sqs("SendMessage", &body("a<b>&\"'\r\n\t\0\u{1f}\u{7f}é\u{fffe}\u{ffff}\u{fffd}\u{ff21}😀")),
        "<SendMessageResult><Body>a&lt;b&gt;&amp;&quot;'&#xD;\n\t\u{fffd}\u{fffd}\u{7f}é\u{fffd}\u{fffd}\u{fffd}\u{ff21}😀\
         </Body></SendMessageResult>"
    );
}

/// An escape at every place of a block, of the next, and of neither.
#[test]
fn escapes_are_found_wherever_they_are() {
    for length in 0..80 {
        for at in 0..length {
            let mut text = "x".repeat(length);
            text.replace_range(at..=at, "\r");
            let output = Output::new().text("B", text.as_str());
            let expected =
                format!("<SendMessageResult><B>{}</B></SendMessageResult>", text.replace('\r', "&#xD;"));
            assert_eq!(sqs("SendMessage", &output), expected);
            assert_eq!(json_body(&output), format!("{{\"B\":\"{}\"}}", text.replace('\r', "\\r")));
        }
    }
}

#[test]
fn errors_have_the_names_of_each_protocol() {
    let error = ApiError::no_such_queue();
    let json = failure(Protocol::Json, Service::Sqs, &error, "r");
    assert_eq!((json.status, json.content_type), (400, "application/x-amz-json-1.0"));
    let header = "AWS.SimpleQueueService.NonExistentQueue;Sender".to_owned();
    assert_eq!(json.headers, [("x-amzn-requestid", "r".to_owned()), ("x-amzn-query-error", header)]);
    assert_eq!(
        String::from_utf8(json.body).unwrap(),
        r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}"#
    );
    let query = failure(Protocol::Query, Service::Sqs, &error, "r");
    assert_eq!((query.status, query.content_type), (400, "text/xml"));
    assert_eq!(
        String::from_utf8(query.body).unwrap(),
        "<?xml version=\"1.0\"?><ErrorResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\"><Error>\
         <Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code>\
         <Message>The specified queue does not exist for this wsdl version.</Message><Detail/></Error>\
         <RequestId>r</RequestId></ErrorResponse>"
    );
}

#[test]
fn errors_of_the_other_services_and_of_ours() {
    let error = ApiError::new(Code::SNS_NOT_FOUND, "Topic <t> does not exist");
    let query = failure(Protocol::Query, Service::Sns, &error, "r");
    assert_eq!(query.status, 404);
    assert_eq!(
        String::from_utf8(query.body).unwrap(),
        "<?xml version=\"1.0\"?><ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error>\
         <Type>Sender</Type><Code>NotFound</Code><Message>Topic &lt;t&gt; does not exist</Message></Error>\
         <RequestId>r</RequestId></ErrorResponse>"
    );
    let ours = ApiError::new(Code::INTERNAL, "oops\u{1}");
    let json = failure(Protocol::Json, Service::Sqs, &ours, "r");
    assert_eq!(json.status, 500);
    assert!(json.headers.contains(&("x-amzn-query-error", "InternalFailure;Receiver".to_owned())));
    let query = String::from_utf8(failure(Protocol::Query, Service::Sts, &ours, "r").body).unwrap();
    assert!(
        query.contains("<Type>Receiver</Type><Code>InternalFailure</Code><Message>oops\u{fffd}</Message>")
    );
}

/// Recorded from AWS: a queue's URL without an action gets a document of its own.
#[test]
fn no_action_is_an_unknown_operation() {
    let malformed = form_call("/000000000000/q", "", "").unwrap_err();
    let query = failure(malformed.protocol, malformed.service, &malformed.error, "r");
    assert_eq!((query.status, query.body.as_slice()), (404, b"<UnknownOperationException/>".as_slice()));
}
