//! What the body of a batch calls itself.

use super::Framing;
use crate::error::{Code, Problem};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// What bodies may be.
const ACCEPTED: &str = "application/json, application/x-ndjson";
const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");

/// How the jobs of a batch are set apart; an array when the body says nothing.
pub(crate) fn batch_kind(headers: &HeaderMap) -> Result<Framing, Problem> {
    let encoded = headers.get(header::CONTENT_ENCODING);
    if encoded.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(unsupported("The body has a `Content-Encoding`, and none is taken: send it as it is."));
    }
    let Some(content_type) = headers.get(header::CONTENT_TYPE) else { return Ok(Framing::Array) };
    let text = content_type.to_str().unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        // `curl -d '[..]'` calls its body a form; anything but an array is then refused.
        "application/json" | "application/x-www-form-urlencoded" => Ok(Framing::Array),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Ok(Framing::Lines),
        _ => Err(unsupported(&format!("The body is `{essence}`, which is not taken here."))),
    }
}

fn unsupported(why: &str) -> Problem {
    Problem::new(Code::UnsupportedMediaType, format!("{why} Accepted: {ACCEPTED}."))
        .with_header(ACCEPT_POST, HeaderValue::from_static(ACCEPTED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_an_array_or_lines() {
        for (kind, framing) in [
            ("application/json", Some(Framing::Array)),
            ("application/x-www-form-urlencoded", Some(Framing::Array)),
            ("Application/X-NDJSON; charset=utf-8", Some(Framing::Lines)),
            ("application/jsonl", Some(Framing::Lines)),
            ("text/plain", None),
            ("multipart/form-data; boundary=x", None),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))]);
            assert_eq!(batch_kind(&headers).ok(), framing, "{kind}");
        }
        assert_eq!(batch_kind(&HeaderMap::new()).unwrap(), Framing::Array);
        let gzip = HeaderMap::from_iter([(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"))]);
        assert_eq!(batch_kind(&gzip).unwrap_err().code(), Code::UnsupportedMediaType);
    }
}
