//! Who a request says it is from: `KEY/DATE/REGION/SERVICE/aws4_request`.

/// What a credential ends with.
pub(super) const TERMINATOR: &str = "aws4_request";

/// A credential, in its parts. Nothing of it is verified.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Credential<'a> {
    /// The id of the access key.
    pub access_key: &'a str,
    /// The day of the signature, such as `20150830`.
    pub date: &'a str,
    /// The region.
    pub region: &'a str,
    /// The service, such as `sqs`.
    pub service: &'a str,
    /// `aws4_request`, if it is what it should be.
    pub terminator: &'a str,
}

impl<'a> Credential<'a> {
    /// Takes a credential apart; `None` if it has not five parts.
    pub(super) fn parse(text: &'a str) -> Option<Credential<'a>> {
        let mut parts = text.split('/');
        let mut part = || parts.next();
        let credential = Credential {
            access_key: part()?,
            date: part()?,
            region: part()?,
            service: part()?,
            terminator: part()?,
        };
        parts.next().is_none().then_some(credential)
    }
}

/// The credential in a header `Authorization`, **without verifying anything**: for where every key is accepted, and
/// for what a request is about. `None` if there is none, or if it has not its five parts.
pub fn parse_credential(authorization: &str) -> Option<Credential<'_>> {
    let parts = authorization.strip_prefix("AWS4-")?.split([',', ' ']);
    parts.filter_map(|part| part.strip_prefix("Credential=")).next().and_then(Credential::parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_credential_are_found_wherever_it_stands() {
        let expected = Credential {
            access_key: "test",
            date: "20150830",
            region: "eu-central-1",
            service: "sqs",
            terminator: TERMINATOR,
        };
        let credential = "Credential=test/20150830/eu-central-1/sqs/aws4_request";
        for authorization in [
            format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0"),
            format!("AWS4-HMAC-SHA256 SignedHeaders=host,Signature=0,{credential}"),
            format!("AWS4-HMAC-SHA256 {credential}"),
        ] {
            assert_eq!(parse_credential(&authorization), Some(expected), "{authorization}");
        }
    }

    #[test]
    fn what_is_no_credential_is_none() {
        for authorization in [
            "",
            "AWS4-HMAC-SHA256",
            "Basic Credential=a/b/c/d/e",
            "AWS4-HMAC-SHA256 Credential=",
            "AWS4-HMAC-SHA256 Credential=a/b/c/d",
            "AWS4-HMAC-SHA256 Credential=a/b/c/d/e/f",
            "AWS4-HMAC-SHA256 NoCredential=a/b/c/d/e",
        ] {
            assert_eq!(parse_credential(authorization), None, "{authorization}");
        }
        let empty = parse_credential("AWS4-HMAC-SHA256 Credential=////").unwrap();
        assert_eq!((empty.access_key, empty.region), ("", ""));
    }
}
