//! The query string: every name must be known where it is used, and stand there once.

use super::urlencoded;
use crate::error::{Code, Problem};
use axum::http::Uri;
use dayfly_common::model::nearest;

/// Names that may stand more than once.
const REPEATABLE: [&str; 1] = ["label"];

/// The pairs of a query whose names a route knows.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(&'static str, String)>);

impl Query {
    /// Reads pairs of which each name must be among `known`, and stand there once unless it may be repeated.
    pub(crate) fn gather(
        pairs: impl Iterator<Item = Result<(String, String), Problem>>,
        known: &[&'static str],
    ) -> Result<Self, Problem> {
        let mut read: Vec<(&'static str, String)> = Vec::new();
        for pair in pairs {
            let (name, value) = pair?;
            let Some(known_name) = known.iter().copied().find(|known_name| *known_name == name) else {
                return Err(unknown(&name, known));
            };
            if !REPEATABLE.contains(&known_name) && read.iter().any(|(earlier, _)| *earlier == known_name) {
                return Err(Problem::new(Code::BadOption, format!("`{known_name}` is given twice: give it once.")));
            }
            read.push((known_name, value));
        }
        Ok(Self(read))
    }

    /// All values of a name that may be repeated.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The value of a name, when it was given.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// A whole number between two bounds.
    pub(crate) fn number(&self, name: &str, least: u64, most: u64) -> Result<Option<u64>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let wrong =
            |code| Problem::new(code, format!("`{name}={text}`: it must be a whole number from {least} to {most}."));
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong(Code::BadOption));
        }
        match text.parse() {
            Ok(number) if (least..=most).contains(&number) => Ok(Some(number)),
            Ok(_) | Err(_) => Err(wrong(Code::OptionOutOfRange)),
        }
    }
}

/// Reads the query of `uri`. `known` are the names that mean something on this route.
pub(crate) fn query(uri: &Uri, known: &[&'static str]) -> Result<Query, Problem> {
    let Some(raw) = uri.query() else { return Ok(Query::default()) };
    let unreadable = |why| Problem::new(Code::BadOption, format!("The query string cannot be read: {why}."));
    Query::gather(urlencoded::pairs(raw.as_bytes()).map(|pair| pair.map_err(unreadable)), known)
}

/// The pairs of a form's body.
pub(crate) fn form_pairs(body: &[u8]) -> impl Iterator<Item = Result<(String, String), Problem>> {
    let unreadable = |why| Problem::new(Code::MalformedForm, format!("The form cannot be read: {why}."));
    urlencoded::pairs(body).map(move |pair| pair.map_err(unreadable))
}

impl Query {
    /// All pairs, as they were given.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }
}

fn unknown(name: &str, known: &[&'static str]) -> Problem {
    let shown: String = name.chars().take(80).collect();
    let mut detail = format!("`{shown}` is not an option here");
    if name == "wait" {
        detail.push_str(": to wait for the job's end send the header `Prefer: wait=10`");
    } else if let Some(near) = nearest(name, known.iter().copied()) {
        detail = format!("{detail}: did you mean `{near}`?");
    }
    if known.is_empty() {
        detail.push_str(". This route takes none.");
    } else {
        let list: Vec<String> = known.iter().map(|known_name| format!("`{known_name}`")).collect();
        let stop = if detail.ends_with('?') { "" } else { "." };
        detail = format!("{detail}{stop} Options here: {}.", list.join(", "));
    }
    Problem::new(Code::BadOption, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 3] = ["timeout", "delay", "limit"];

    fn read(text: &str) -> Result<Query, Problem> {
        query(&text.parse().unwrap(), &KNOWN)
    }

    #[test]
    fn known_names_are_read() {
        let query = read("/x?timeout=30s&limit=7").unwrap();
        assert_eq!(query.get("timeout"), Some("30s"));
        assert_eq!(query.get("delay"), None);
        assert_eq!(query.number("limit", 1, 10).unwrap(), Some(7));
        assert_eq!(read("/x").unwrap().get("timeout"), None);
    }

    #[test]
    fn labels_may_be_repeated() {
        let query = query(&"/x?label=a:1&limit=7&label=b:2".parse().unwrap(), &["label", "limit"]).unwrap();
        assert_eq!(query.all("label").collect::<Vec<_>>(), ["a:1", "b:2"]);
        assert_eq!(query.all("limit").count(), 1);
    }

    #[test]
    fn others_are_refused_with_the_nearest_name() {
        for (text, says) in [
            ("/x?timout=3s", "did you mean `timeout`?"),
            ("/x?wait=3", "`Prefer: wait=10`"),
            ("/x?zzz=3", "Options here: `timeout`, `delay`, `limit`."),
            ("/x?delay=1s&delay=2s", "twice"),
            ("/x?delay=%zz", "%25"),
        ] {
            let problem = read(text).unwrap_err();
            assert_eq!(problem.code(), Code::BadOption, "{text}");
            assert!(problem.detail().contains(says), "{text}: {}", problem.detail());
        }
    }

    #[test]
    fn numbers_are_whole_and_bounded() {
        for (text, code) in [
            ("/x?limit=-1", Code::BadOption),
            ("/x?limit=", Code::BadOption),
            ("/x?limit=1.5", Code::BadOption),
            ("/x?limit=11", Code::OptionOutOfRange),
            ("/x?limit=99999999999999999999999", Code::OptionOutOfRange),
        ] {
            assert_eq!(read(text).unwrap().number("limit", 1, 10).unwrap_err().code(), code, "{text}");
        }
    }
}
