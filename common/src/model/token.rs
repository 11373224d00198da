//! API tokens: `dfly_<id>_<secret>`, 16 and 64 lower-case hex digits. The id is no secret: it stands in lists and logs, and
//! revokes. Of the whole only the SHA-256 is stored.

use sha2::{Digest as _, Sha256};
use std::{fmt, str::FromStr};
use subtle::ConstantTimeEq as _;

/// What every token begins with, so that scanners of code for secrets can tell one.
const PREFIX: &str = "dfly_";
const ID_DIGITS: usize = 16;
const SECRET_DIGITS: usize = 64;

/// A token's name.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TokenId(String);

/// A whole token. It shows itself only by [`Token::reveal`].
#[derive(Clone)]
pub struct Token {
    id: TokenId,
    text: String,
}

/// The SHA-256 of a token's text.
#[derive(Clone, Debug)]
pub struct TokenDigest([u8; 32]);

/// Whose jobs they are: 1 to 64 of `A-Z a-z 0-9 _ . - @ +`, first a letter or digit.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct OwnerName(String);

/// The text is no token. It is not repeated: it may nearly be one.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
#[error("it is not of the form dfly_<16 hex digits>_<64 hex digits>")]
pub struct TokenError;

/// The text is not the id of a token.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not the id of a token: 16 hex digits, as `dayfly tokens list` shows them")]
pub struct TokenIdError(pub String);

/// The text cannot be an owner's name.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` cannot be an owner's name: use 1 to 64 letters, digits, `_`, `-`, `.`, `@` or `+`, beginning with a letter or digit"
)]
pub struct OwnerNameError(pub String);

impl TokenId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Token {
    /// A fresh one: 8 random bytes of id, 32 of secret.
    ///
    /// # Panics
    /// When the kernel has no randomness (`getrandom(2)` failed): no secret can be made then.
    #[must_use]
    pub fn random() -> Self {
        let mut bytes = [0_u8; (ID_DIGITS + SECRET_DIGITS) / 2];
        getrandom::fill(&mut bytes).expect("getrandom(2) gives random bytes");
        let (id, secret) = bytes.split_at(ID_DIGITS / 2);
        let id = hex(id);
        let text = format!("{PREFIX}{id}_{}", hex(secret));
        Self { id: TokenId(id), text }
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &TokenId {
        &self.id
    }

    /// What is stored of it: `printf %s "$TOKEN" | sha256sum` gives the same.
    #[must_use]
    pub fn digest(&self) -> TokenDigest {
        TokenDigest(Sha256::digest(self.text.as_bytes()).into())
    }

    /// The whole text, for whoever it was made for.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

impl TokenDigest {
    /// Whether they are the same, in a time that does not depend on where they differ.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl FromStr for TokenId {
    type Err = TokenIdError;

    fn from_str(text: &str) -> Result<Self, TokenIdError> {
        if text.len() == ID_DIGITS && text.bytes().all(is_hex) {
            Ok(Self(text.to_owned()))
        } else if let Ok(token) = text.parse::<Token>() {
            // Who has only the token at hand means it. The error below must not repeat one.
            Ok(token.id)
        } else {
            Err(TokenIdError(text.chars().take(ID_DIGITS + PREFIX.len()).collect()))
        }
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let rest = text.strip_prefix(PREFIX).ok_or(TokenError)?;
        let (id, secret) = rest.split_once('_').ok_or(TokenError)?;
        let digits = |part: &str, count| part.len() == count && part.bytes().all(is_hex);
        if digits(id, ID_DIGITS) && digits(secret, SECRET_DIGITS) {
            Ok(Self { id: TokenId(id.to_owned()), text: text.to_owned() })
        } else {
            Err(TokenError)
        }
    }
}

impl FromStr for TokenDigest {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let mut bytes = [0_u8; 32];
        if text.len() != 64 || !text.bytes().all(is_hex) {
            return Err(TokenError);
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).map_err(|_| TokenError)?;
        }
        Ok(Self(bytes))
    }
}

impl OwnerName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OwnerName {
    type Err = OwnerNameError;

    fn from_str(text: &str) -> Result<Self, OwnerNameError> {
        let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-@+".contains(&byte);
        let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if first && text.len() <= 64 && text.bytes().all(usual) {
            Ok(Self(text.to_owned()))
        } else {
            Err(OwnerNameError(text.chars().take(80).collect()))
        }
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Display for TokenDigest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&hex(&self.0))
    }
}

impl fmt::Display for OwnerName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Token({PREFIX}{}_***)", self.id)
    }
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_no_two_are_alike() {
        let (one, other) = (Token::random(), Token::random());
        assert_ne!(one.reveal(), other.reveal());
        assert_eq!(one.reveal().len(), 86);
        let again: Token = one.reveal().parse().unwrap();
        assert_eq!((again.id(), again.reveal()), (one.id(), one.reveal()));
        assert_eq!(one.reveal().parse::<TokenId>().as_ref(), Ok(one.id()));
        assert_eq!(one.id().as_str().parse::<TokenId>().as_ref(), Ok(one.id()));
    }

    #[test]
    fn only_the_whole_form_is_a_token() {
        let good = Token::random().reveal().to_owned();
        let upper = good.to_uppercase();
        let (cut, long) = (&good[..good.len() - 1], format!("{good}0"));
        for wrong in ["", "dfly_", "secret", &good[5..], cut, &long, &upper, &good.replace('_', "-")] {
            assert_eq!(wrong.parse::<Token>().err(), Some(TokenError), "{wrong}");
            assert!(wrong.parse::<TokenId>().is_err_and(|error| error.0.len() <= 21), "{wrong}");
        }
    }

    #[test]
    fn digests_are_alike_only_for_the_same_token() {
        let token: Token = format!("dfly_{}_{}", "0".repeat(16), "1".repeat(64)).parse().unwrap();
        let digest = token.digest();
        let written = digest.to_string();
        // printf %s dfly_0000000000000000_1111.. | sha256sum
        assert_eq!(written, hex(&Sha256::digest(token.reveal())));
        assert!(written.parse::<TokenDigest>().unwrap().is(&digest));
        for at in [0, 31, 63] {
            let mut changed = written.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            let changed: TokenDigest = String::from_utf8(changed).unwrap().parse().unwrap();
            assert!(!changed.is(&digest), "digit {at}");
        }
        assert!("".parse::<TokenDigest>().is_err() && "zz".repeat(32).parse::<TokenDigest>().is_err());
    }

    #[test]
    fn a_token_never_shows_its_secret_by_accident() {
        let token = Token::random();
        let shown = format!("{token:?}");
        assert!(shown.contains(token.id().as_str()) && !shown.contains(&token.reveal()[22..]), "{shown}");
    }

    #[test]
    fn owners_have_plain_names() {
        for good in ["ada", "team-a", "ada@example.com", "a+b", "7", "svc.one_two"] {
            assert_eq!(good.parse::<OwnerName>().map(|name| name.to_string()).as_deref(), Ok(good));
        }
        for wrong in ["", "-a", ".a", "a b", "a:b", "ä", "@a", &"x".repeat(65)] {
            assert!(wrong.parse::<OwnerName>().is_err(), "{wrong}");
        }
    }
}
