//! What a job is submitted with: its input, and its options under the names of the API's query.

use super::Exit;
use crate::failure::Failure;
use clap::Args as ArgsOf;
use std::{fs, io::Read as _};

/// The input: fields, or one JSON text.
#[derive(Debug, Clone, ArgsOf)]
pub(crate) struct Input {
    /// A field of the input, typed by the task's schema; @FILE takes a file's text, @- standard input. May be repeated.
    #[arg(short = 'i', long = "input", value_name = "NAME=VALUE|NAME=@FILE", value_parser = field)]
    fields: Vec<(String, String)>,
    /// The whole input as JSON; @FILE reads it from a file, @- from standard input.
    #[arg(long, value_name = "JSON|@FILE", conflicts_with = "fields")]
    data: Option<String>,
}

/// Options of the job.
#[derive(Debug, Clone, ArgsOf)]
#[command(next_help_heading = "Options of the job")]
pub(crate) struct JobOptions {
    /// Longest run; at most the task's max_timeout.
    #[arg(long, value_name = "DURATION")]
    timeout: Option<String>,
    /// Start this much later.
    #[arg(long, value_name = "DURATION", conflicts_with = "at")]
    delay: Option<String>,
    /// Start then, an RFC 3339 time.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// 0 is taken first, 9 last [default: 5].
    #[arg(long, value_name = "0-9")]
    priority: Option<String>,
    /// Further runs after failures of its own.
    #[arg(long, value_name = "N")]
    retries: Option<String>,
    /// It must have started within this time, else it fails as `expired`.
    #[arg(long, value_name = "DURATION")]
    expires: Option<String>,
    /// How long it is kept after its end.
    #[arg(long, value_name = "DURATION")]
    retention: Option<String>,
    /// A key that only one live job may hold.
    #[arg(long, value_name = "KEY")]
    unique: Option<String>,
    /// To find it by. May be repeated.
    #[arg(long, value_name = "NAME:VALUE")]
    label: Vec<String>,
}

/// A body to send.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) content_type: &'static str,
    pub(super) bytes: Vec<u8>,
}

impl Input {
    /// Reads the files it names. Without any field the input is null, as of a POST without a body.
    pub(super) fn body(&self) -> Result<Option<Body>, Failure> {
        if let Some(data) = &self.data {
            return Ok(Some(Body { content_type: "application/json", bytes: content(data)?.into_bytes() }));
        }
        if self.fields.is_empty() {
            return Ok(None);
        }
        let mut form = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.fields {
            form.append_pair(name, &content(value)?);
        }
        Ok(Some(Body { content_type: "application/x-www-form-urlencoded", bytes: form.finish().into_bytes() }))
    }
}

impl JobOptions {
    /// `?timeout=30s&label=a:b`, or nothing.
    pub(super) fn query(&self) -> String {
        let given = [
            ("timeout", &self.timeout),
            ("delay", &self.delay),
            ("at", &self.at),
            ("priority", &self.priority),
            ("retries", &self.retries),
            ("expires", &self.expires),
            ("retention", &self.retention),
            ("unique", &self.unique),
        ];
        let given = given.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        query(given.chain(self.label.iter().map(|label| ("label", label.as_str()))))
    }
}

/// A query with its question mark, or nothing.
pub(super) fn query<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    if text.is_empty() { text } else { format!("?{text}") }
}

/// A name or id as one piece of a path.
pub(super) fn piece(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

fn field(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("use NAME=VALUE, or NAME=@FILE".to_owned()),
    }
}

fn content(value: &str) -> Result<String, Failure> {
    let Some(file) = value.strip_prefix('@') else { return Ok(value.to_owned()) };
    let mut bytes = Vec::new();
    let read = if file == "-" {
        std::io::stdin().read_to_end(&mut bytes).map(|_| ())
    } else {
        fs::read(file).map(|text| bytes = text)
    };
    read.map_err(|why| Exit::Usage.because(format_args!("{file} cannot be read: {why}")))?;
    String::from_utf8(bytes).map_err(|_| {
        Exit::Usage.because(format_args!("{file} is not UTF-8: an input is text; encode it, for example by base64"))
    })
}
