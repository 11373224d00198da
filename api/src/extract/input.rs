//! A body becomes a job's standard input: JSON, always.
//!
//! JSON is taken byte by byte as it was sent. A form becomes an object. No body at all is the empty object, so that a task
//! which needs nothing is called with nothing.

use super::{form, json::check_json, multipart};
use crate::{
    error::{Code, Problem},
    schema::InputSchema,
};
use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue, header},
};

/// What bodies may be.
const ACCEPTED: &str = "application/json, application/x-www-form-urlencoded, multipart/form-data";
const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");

enum Kind<'a> {
    Json,
    Form,
    Multipart(&'a HeaderValue),
}

/// The JSON of a body, checked against the schema when there is one.
pub(crate) async fn read_input(
    headers: &HeaderMap,
    body: Bytes,
    schema: Option<&InputSchema>,
) -> Result<Bytes, Problem> {
    let kind = kind(headers)?;
    let input: Bytes = if body.is_empty() {
        Bytes::from_static(b"{}")
    } else {
        match kind {
            Kind::Json => {
                check_json(&body)?;
                body
            }
            // `curl -d '{"n":42}'` calls its body a form. No form begins like this and is JSON to its end.
            Kind::Form if matches!(body.first(), Some(b'{' | b'[')) && check_json(&body).is_ok() => body,
            Kind::Form => form::urlencoded_object(&body, schema)?.into(),
            Kind::Multipart(content_type) => form::object(&multipart::fields(content_type, body).await?, schema).into(),
        }
    };
    if let Some(schema) = schema {
        schema.check(&input)?;
    }
    Ok(input)
}

/// What the body calls itself; JSON when it says nothing.
fn kind(headers: &HeaderMap) -> Result<Kind<'_>, Problem> {
    let encoded = headers.get(header::CONTENT_ENCODING);
    if encoded.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(unsupported("The body has a `Content-Encoding`, and none is taken: send it as it is."));
    }
    let Some(content_type) = headers.get(header::CONTENT_TYPE) else { return Ok(Kind::Json) };
    let text = content_type.to_str().unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || essence.starts_with("application/") && essence.ends_with("+json") {
        Ok(Kind::Json)
    } else if essence == "application/x-www-form-urlencoded" {
        Ok(Kind::Form)
    } else if essence == "multipart/form-data" {
        Ok(Kind::Multipart(content_type))
    } else {
        Err(unsupported(&format!("The body is `{essence}`, which is not taken here.")))
    }
}

fn unsupported(why: &str) -> Problem {
    Problem::new(Code::UnsupportedMediaType, format!("{why} Accepted: {ACCEPTED}."))
        .with_header(ACCEPT_POST, HeaderValue::from_static(ACCEPTED))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    async fn read(kind: &str, body: &'static str) -> Result<Bytes, Problem> {
        let mut headers = HeaderMap::new();
        if !kind.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(kind).unwrap());
        }
        let schema = json!({ "type": "object", "properties": { "n": { "type": "integer" } } });
        read_input(&headers, body.into(), Some(&InputSchema::compile(&schema).unwrap())).await
    }

    #[tokio::test]
    async fn bodies_become_json() {
        for (kind, body, input) in [
            ("application/json", " {\"n\":  1 }\n", " {\"n\":  1 }\n"),
            ("Application/JSON; charset=utf-8", "{\"n\":1}", "{\"n\":1}"),
            ("application/vnd.x+json", "{}", "{}"),
            ("", "{\"n\":1}", "{\"n\":1}"),
            ("", "", "{}"),
            ("application/json", "", "{}"),
            ("application/x-www-form-urlencoded", "", "{}"),
            ("application/x-www-form-urlencoded", "n=1", "{\"n\":1}"),
            ("application/x-www-form-urlencoded", "{\"n\":1}", "{\"n\":1}"),
            ("application/x-www-form-urlencoded", "{x=1", "{\"{x\":\"1\"}"),
        ] {
            assert_eq!(read(kind, body).await.unwrap(), input, "{kind} {body}");
        }
    }

    #[tokio::test]
    async fn others_are_refused_with_what_is_taken() {
        for kind in ["text/plain", "application/xml", "nonsense"] {
            let problem = read(kind, "x").await.unwrap_err();
            assert_eq!(problem.code(), Code::UnsupportedMediaType, "{kind}");
            assert!(problem.detail().contains(ACCEPTED), "{}", problem.detail());
        }
        assert_eq!(read("application/json", "{").await.unwrap_err().code(), Code::MalformedJson);
        assert_eq!(read("", "5").await.unwrap_err().code(), Code::InvalidInput);
        assert_eq!(read("application/x-www-form-urlencoded", "n=x").await.unwrap_err().code(), Code::InvalidInput);
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        let problem = read_input(&headers, "x".into(), None).await.unwrap_err();
        assert_eq!(problem.code(), Code::UnsupportedMediaType);
    }
}
