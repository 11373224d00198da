//! The fields of a `multipart/form-data` body. Files are not taken yet, and said so.

use super::form::{FieldValue, check_count};
use super::json::check_json;
use crate::error::{Code, Problem};
use axum::{
    body::{Body, Bytes},
    extract::{
        DefaultBodyLimit, FromRequest as _, Multipart,
        multipart::{Field, MultipartError},
    },
    http::{HeaderValue, Request, header},
};

/// Reads all fields. The body was read before, within its limit.
pub(crate) async fn fields(content_type: &HeaderValue, body: Bytes) -> Result<Vec<(String, FieldValue)>, Problem> {
    let mut request = Request::new(Body::from(body));
    request.headers_mut().insert(header::CONTENT_TYPE, content_type.clone());
    DefaultBodyLimit::disable().apply(&mut request);
    let mut multipart = Multipart::from_request(request, &()).await.map_err(|why| malformed(&why.body_text()))?;
    let mut fields = Vec::new();
    while let Some(field) = multipart.next_field().await.map_err(unreadable)? {
        fields.push(read(field).await?);
        check_count(fields.len())?;
    }
    Ok(fields)
}

async fn read(field: Field<'_>) -> Result<(String, FieldValue), Problem> {
    let Some(name) = field.name().map(str::to_owned) else {
        return Err(malformed("a part has no name in its Content-Disposition"));
    };
    if field.file_name().is_some() {
        let detail = format!(
            "The part `{name}` is a file, and files are not taken yet: send its content as the value of a field, or the \
             input as JSON."
        );
        return Err(Problem::new(Code::UnsupportedMediaType, detail));
    }
    let is_json = field.content_type().is_some_and(|kind| {
        let essence = kind.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
    });
    let bytes = field.bytes().await.map_err(unreadable)?;
    if is_json {
        return Ok((name, FieldValue::Json(check_json(&bytes)?.get().to_owned())));
    }
    match String::from_utf8(bytes.into()) {
        Ok(text) => Ok((name, FieldValue::Text(text))),
        Err(_) => Err(malformed(&format!("the part `{name}` is not UTF-8"))),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn unreadable(why: MultipartError) -> Problem {
    malformed(&why.body_text())
}

fn malformed(why: &str) -> Problem {
    Problem::new(Code::MalformedForm, format!("The multipart body cannot be read: {why}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::form::object;

    async fn parse(parts: &[(&str, &str)]) -> Result<Vec<u8>, Problem> {
        let mut body = String::new();
        for (head, value) in parts {
            body.push_str(&format!("--xyz\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n"));
        }
        body.push_str("--xyz--\r\n");
        let kind = HeaderValue::from_static("multipart/form-data; boundary=xyz");
        fields(&kind, body.into()).await.map(|fields| object(&fields, None))
    }

    #[tokio::test]
    async fn fields_become_an_object() {
        let parts = [("name=\"a\"", "1"), ("name=\"b\"\r\nContent-Type: application/json", "{\"c\": 1.0}")];
        assert_eq!(parse(&parts).await.unwrap(), br#"{"a":"1","b":{"c": 1.0}}"#);
        assert_eq!(parse(&[]).await.unwrap(), b"{}");
    }

    #[tokio::test]
    async fn files_and_nonsense_are_refused() {
        let problem = parse(&[("name=\"a\"; filename=\"x.txt\"", "1")]).await.unwrap_err();
        assert_eq!(problem.code(), Code::UnsupportedMediaType);
        assert!(problem.detail().contains("`a` is a file"), "{}", problem.detail());
        assert_eq!(parse(&[("filename", "1")]).await.unwrap_err().code(), Code::MalformedForm);
        let bad = [("name=\"a\"\r\nContent-Type: application/json", "{")];
        assert_eq!(parse(&bad).await.unwrap_err().code(), Code::MalformedJson);
        for kind in ["multipart/form-data", "multipart/form-data; boundary=other"] {
            let problem = fields(&HeaderValue::from_static(kind), "--xyz--".into()).await.unwrap_err();
            assert_eq!(problem.code(), Code::MalformedForm, "{kind}");
        }
    }
}
