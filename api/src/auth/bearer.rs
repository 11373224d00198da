//! `Authorization: Bearer` (RFC 6750, 2.1). A token in a query or a form is not looked for: URLs and bodies are kept by
//! others.

use axum::http::{HeaderMap, header};
use dayfly_common::model::Token;

/// What a request shows.
#[derive(Debug)]
pub(super) enum Presented {
    /// No `Authorization` at all.
    Nothing,
    /// A text of the right form; whether it is known is another question.
    Token(Token),
    /// Something else; says what.
    Unusable(&'static str),
}

pub(super) fn presented(headers: &HeaderMap) -> Presented {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Presented::Nothing };
    if values.next().is_some() {
        return Presented::Unusable("The request has two `Authorization` headers");
    }
    let Ok(text) = value.to_str() else { return Presented::Unusable("The `Authorization` header is not plain text") };
    let (scheme, credentials) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Presented::Unusable("The `Authorization` header is not of the scheme `Bearer`");
    }
    match credentials.trim().parse() {
        Ok(token) => Presented::Token(token),
        Err(_) => Presented::Unusable("What follows `Bearer` is not a token of this kind of server (`dfly_..`)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn read(values: &[&str]) -> Presented {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        presented(&headers)
    }

    #[test]
    fn a_bearer_is_read_whatever_the_case_of_its_scheme() {
        let token = Token::random();
        for scheme in ["Bearer", "bearer", "BEARER", "Bearer  "] {
            let Presented::Token(read) = read(&[&format!("{scheme} {}", token.reveal())]) else {
                panic!("{scheme} is not read");
            };
            assert_eq!(read.reveal(), token.reveal());
        }
    }

    #[test]
    fn anything_else_says_what_it_is() {
        let good = format!("Bearer {}", Token::random().reveal());
        for (values, says) in [
            (vec!["Basic YTpi"], "scheme"),
            (vec!["Bearer"], "not a token"),
            (vec!["Bearer x"], "not a token"),
            (vec![&good[7..]], "scheme"),
            (vec![good.as_str(), good.as_str()], "two"),
            (vec!["Bearer a b"], "not a token"),
        ] {
            let Presented::Unusable(said) = read(&values) else { panic!("{values:?} is taken") };
            assert!(said.contains(says), "{values:?}: {said}");
        }
        assert!(matches!(read(&[]), Presented::Nothing));
    }
}
