//! Errors as AWS names them. A code has one name in JSON, often another in the Query protocol, and a status: those of the
//! services' models, and for what every service has those of the page "Common Errors" of SQS's reference.

use super::Protocol;
use std::borrow::Cow;

/// A kind of error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Code {
    /// The name of the shape, which JSON has in `__type`.
    pub shape: &'static str,
    /// The code in the Query protocol, and in the header `x-amzn-query-error`.
    pub query: &'static str,
    /// The HTTP status.
    pub status: u16,
}

/// Declares the codes: the shape, the Query code, the status.
macro_rules! codes {
    ($($name:ident = $shape:literal, $query:literal, $status:literal;)*) => {
        impl Code {
            $(
                #[doc = concat!("`", $query, "`")]
                pub const $name: Code = Code { shape: $shape, query: $query, status: $status };
            )*
        }
    };
}

codes! {
    NO_SUCH_QUEUE = "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", 400;
    QUEUE_EXISTS = "QueueNameExists", "QueueAlreadyExists", 400;
    DELETED_RECENTLY = "QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently", 400;
    PURGE_IN_PROGRESS = "PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress", 403;
    OVER_LIMIT = "OverLimit", "OverLimit", 403;
    NOT_IN_FLIGHT = "MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight", 400;
    INVALID_RECEIPT = "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 400;
    INVALID_ATTRIBUTE_NAME = "InvalidAttributeName", "InvalidAttributeName", 400;
    INVALID_ATTRIBUTE_VALUE = "InvalidAttributeValue", "InvalidAttributeValue", 400;
    INVALID_CONTENTS = "InvalidMessageContents", "InvalidMessageContents", 400;
    EMPTY_BATCH = "EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest", 400;
    TOO_MANY_ENTRIES = "TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", 400;
    IDS_NOT_DISTINCT = "BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400;
    INVALID_ENTRY_ID = "InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId", 400;
    BATCH_TOO_LONG = "BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", 400;
    UNSUPPORTED = "UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation", 400;
    NO_SUCH_RESOURCE = "ResourceNotFoundException", "ResourceNotFoundException", 404;
    INVALID_PARAMETER = "InvalidParameterValueException", "InvalidParameterValue", 400;
    MISSING_PARAMETER = "MissingRequiredParameterException", "MissingParameter", 400;
    INVALID_ID_FORMAT = "InvalidIdFormat", "InvalidIdFormat", 400;
    INVALID_ADDRESS = "InvalidAddress", "InvalidAddress", 404;
    INVALID_SECURITY = "InvalidSecurity", "InvalidSecurity", 403;
    THROTTLED = "RequestThrottled", "RequestThrottled", 403;
    KMS_ACCESS_DENIED = "KmsAccessDenied", "KMS.AccessDeniedException", 400;
    KMS_DISABLED = "KmsDisabled", "KMS.DisabledException", 400;
    KMS_INVALID_KEY_USAGE = "KmsInvalidKeyUsage", "KMS.InvalidKeyUsageException", 400;
    KMS_INVALID_STATE = "KmsInvalidState", "KMS.InvalidStateException", 400;
    KMS_NOT_FOUND = "KmsNotFound", "KMS.NotFoundException", 400;
    KMS_OPT_IN_REQUIRED = "KmsOptInRequired", "KMS.OptInRequired", 403;
    KMS_THROTTLED = "KmsThrottled", "KMS.ThrottlingException", 400;
    INVALID_ACTION = "InvalidAction", "InvalidAction", 400;
    UNKNOWN_OPERATION = "UnknownOperationException", "UnknownOperationException", 404;
    SERIALIZATION = "SerializationException", "SerializationException", 400;
    MALFORMED_QUERY = "MalformedQueryString", "MalformedQueryString", 404;
    TOO_LARGE = "RequestEntityTooLarge", "RequestEntityTooLarge", 413;
    UNAVAILABLE = "ServiceUnavailable", "ServiceUnavailable", 503;
    INTERNAL = "InternalFailure", "InternalFailure", 500;
    ACCESS_DENIED = "AccessDeniedException", "AccessDenied", 403;
    MISSING_TOKEN = "MissingAuthenticationTokenException", "MissingAuthenticationToken", 403;
    INCOMPLETE_SIGNATURE = "IncompleteSignatureException", "IncompleteSignature", 400;
    UNKNOWN_KEY = "UnrecognizedClientException", "InvalidClientTokenId", 403;
    WRONG_SIGNATURE = "InvalidSignatureException", "SignatureDoesNotMatch", 403;
    EXPIRED_REQUEST = "RequestExpired", "RequestExpired", 400;
    SNS_NOT_FOUND = "NotFoundException", "NotFound", 404;
    SNS_INVALID = "InvalidParameterException", "InvalidParameter", 400;
    SNS_INVALID_VALUE = "InvalidParameterValueException", "ParameterValueInvalid", 400;
    SNS_DENIED = "AuthorizationErrorException", "AuthorizationError", 403;
    SNS_EMPTY_BATCH = "EmptyBatchRequestException", "EmptyBatchRequest", 400;
    SNS_TOO_MANY_ENTRIES = "TooManyEntriesInBatchRequestException", "TooManyEntriesInBatchRequest", 400;
    SNS_IDS_NOT_DISTINCT = "BatchEntryIdsNotDistinctException", "BatchEntryIdsNotDistinct", 400;
    SNS_INVALID_ENTRY_ID = "InvalidBatchEntryIdException", "InvalidBatchEntryId", 400;
    SNS_BATCH_TOO_LONG = "BatchRequestTooLongException", "BatchRequestTooLong", 400;
    SNS_FILTER_LIMIT = "FilterPolicyLimitExceededException", "FilterPolicyLimitExceeded", 403;
    SNS_SUBSCRIPTION_LIMIT = "SubscriptionLimitExceededException", "SubscriptionLimitExceeded", 403;
    SNS_TOPIC_LIMIT = "TopicLimitExceededException", "TopicLimitExceeded", 403;
    SNS_THROTTLED = "ThrottledException", "Throttled", 429;
    SNS_INTERNAL = "InternalErrorException", "InternalError", 500;
    SNS_TAG_LIMIT = "TagLimitExceededException", "TagLimitExceeded", 400;
    SNS_NO_RESOURCE = "ResourceNotFoundException", "ResourceNotFound", 404;
}

/// An error for a client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiError {
    /// Its kind.
    pub code: Code,
    /// What people read.
    pub message: Cow<'static, str>,
}

impl ApiError {
    /// An error with its text.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> ApiError {
        ApiError { code, message: message.into() }
    }

    /// A parameter that is wrong.
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> ApiError {
        ApiError::new(Code::INVALID_PARAMETER, message)
    }

    /// A parameter that has to be there.
    pub fn missing(name: &str) -> ApiError {
        ApiError::new(Code::MISSING_PARAMETER, format!("The request must contain the parameter {name}."))
    }

    /// No such queue. The text is the protocol's.
    pub fn no_such_queue() -> ApiError {
        ApiError::new(Code::NO_SUCH_QUEUE, "The specified queue does not exist.")
    }

    /// The text, which for some errors depends on the protocol (AWS's texts).
    pub fn text(&self, protocol: Protocol) -> &str {
        match (protocol, self.code) {
            (Protocol::Query, Code::NO_SUCH_QUEUE) => {
                "The specified queue does not exist for this wsdl version."
            }
            _ => &self.message,
        }
    }

    /// Whether the client is to blame.
    pub fn is_senders(&self) -> bool {
        self.code.status < 500
    }
}
