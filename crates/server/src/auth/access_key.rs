//! New access keys, which look like AWS's.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What an id begins with: AWS's long-term keys have `AKIA`.
const PREFIX: &str = "LKIA";
/// Characters behind the prefix, of five random bits each.
const ID_CHARACTERS: usize = 16;
/// The alphabet of base32 (RFC 4648).
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Random bytes of a secret: 40 characters of base64.
const SECRET_BYTES: usize = 30;

/// The id and the secret of a new access key: `LKIA` and 16 characters of `A`-`Z` and `2`-`7`, and 40 characters of
/// base64.
///
/// # Errors
/// When the operating system has no randomness to give.
pub fn new_access_key() -> Result<(String, String), getrandom::Error> {
    let (mut id, mut secret) = ([0; ID_CHARACTERS], [0; SECRET_BYTES]);
    getrandom::fill(&mut id)?;
    getrandom::fill(&mut secret)?;
    let id = id.iter().map(|byte| char::from(BASE32[usize::from(byte % 32)]));
    Ok((PREFIX.chars().chain(id).collect(), STANDARD.encode(secret)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn keys_look_like_those_of_aws_and_are_all_different() {
        let keys: Vec<_> = (0..200).map(|_| new_access_key().unwrap()).collect();
        for (id, secret) in &keys {
            assert!(id.len() == 20 && id.starts_with("LKIA"), "{id}");
            assert!(id[4..].bytes().all(|byte| BASE32.contains(&byte)), "{id}");
            assert_eq!(STANDARD.decode(secret).map(|bytes| bytes.len()), Ok(30), "{secret}");
            assert_eq!(secret.len(), 40);
        }
        let used: HashSet<u8> = keys.iter().flat_map(|(id, _)| id[4..].bytes()).collect();
        assert_eq!(used.len(), 32, "every character comes up");
        let (ids, secrets): (HashSet<_>, HashSet<_>) = keys.into_iter().unzip();
        assert_eq!((ids.len(), secrets.len()), (200, 200));
    }
}
