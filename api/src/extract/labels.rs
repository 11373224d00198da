//! `label=name:value`: a client's own words on a job, to find it by; and `unique`, which only one live job holds.

use crate::error::{Code, Problem};
use std::collections::BTreeMap;

/// Most labels of a job.
const MOST_LABELS: usize = 16;
/// Longest name, characters.
const LONGEST_NAME: usize = 63;
/// Longest value, characters.
const LONGEST_VALUE: usize = 200;
/// Longest unique key, characters.
const LONGEST_UNIQUE: usize = 255;

/// The labels of a job; each name stands once.
pub(super) fn labels<'a>(given: impl Iterator<Item = &'a str>) -> Result<BTreeMap<String, String>, Problem> {
    let mut labels = BTreeMap::new();
    for text in given {
        let (name, value) = label(text)?;
        if labels.contains_key(name) {
            let detail = format!("The label `{name}` is given twice: a job has one value of it.");
            return Err(Problem::new(Code::BadOption, detail));
        }
        labels.insert(name.to_owned(), value.to_owned());
        if labels.len() > MOST_LABELS {
            let detail = format!("A job has at most {MOST_LABELS} labels.");
            return Err(Problem::new(Code::OptionOutOfRange, detail));
        }
    }
    Ok(labels)
}

/// Name and value of one label: the name ends at the first colon.
pub(crate) fn label(text: &str) -> Result<(&str, &str), Problem> {
    let shown: String = text.chars().take(80).collect();
    let wrong = |code, why: String| Problem::new(code, format!("`label={shown}`: {why}"));
    let Some((name, value)) = text.split_once(':') else {
        return Err(wrong(Code::BadOption, "write it as name:value, for example `label=customer:acme`.".to_owned()));
    };
    let lengths = [("name", name, LONGEST_NAME), ("value", value, LONGEST_VALUE)];
    for (part, text, longest) in lengths {
        match text.chars().count() {
            0 => return Err(wrong(Code::BadOption, format!("the {part} is empty."))),
            length if length > longest => {
                return Err(wrong(Code::OptionOutOfRange, format!("the {part} has more than {longest} characters.")));
            }
            _ => {}
        }
    }
    if let Some(odd) = name.chars().find(|char| !char.is_alphanumeric() && !"._-/".contains(*char)) {
        let why = format!("the name has {odd:?} in it; letters, digits and . _ - / are what a name is made of.");
        return Err(wrong(Code::BadOption, why));
    }
    if value.chars().any(char::is_control) {
        return Err(wrong(Code::BadOption, "the value has a control character in it.".to_owned()));
    }
    Ok((name, value))
}

/// A unique key, checked.
pub(super) fn unique(text: &str) -> Result<String, Problem> {
    let wrong =
        |code, why: &str| Err(Problem::new(code, format!("`unique` {why}: give 1 to {LONGEST_UNIQUE} characters.")));
    match text.chars().count() {
        0 => wrong(Code::BadOption, "is empty"),
        length if length > LONGEST_UNIQUE => wrong(Code::OptionOutOfRange, "is too long"),
        _ if text.chars().any(char::is_control) => wrong(Code::BadOption, "has a control character in it"),
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_a_name_and_a_value() {
        for (text, parts) in [
            ("a:b", ("a", "b")),
            ("url:http://x:80/?a=b", ("url", "http://x:80/?a=b")),
            ("app.kubernetes.io/part-of:x y", ("app.kubernetes.io/part-of", "x y")),
            ("\u{5ba2}\u{6237}:\u{1f41d}", ("\u{5ba2}\u{6237}", "\u{1f41d}")),
        ] {
            assert_eq!(label(text).unwrap(), parts, "{text}");
        }
    }

    #[test]
    fn wrong_ones_say_why() {
        let (long_name, long_value) = (format!("{}:v", "n".repeat(64)), format!("n:{}", "\u{e4}".repeat(201)));
        for (text, code, says) in [
            ("urgent", Code::BadOption, "name:value"),
            (":b", Code::BadOption, "name is empty"),
            ("a:", Code::BadOption, "value is empty"),
            ("a b:c", Code::BadOption, "' ' in it"),
            ("a,b:c", Code::BadOption, "',' in it"),
            ("a:b\nc", Code::BadOption, "control character"),
            (&long_name, Code::OptionOutOfRange, "more than 63"),
            (&long_value, Code::OptionOutOfRange, "more than 200"),
        ] {
            let problem = label(text).unwrap_err();
            assert_eq!(problem.code(), code, "{text}");
            assert!(problem.detail().contains(says), "{}", problem.detail());
        }
        assert_eq!(labels(["a:1", "b:2", "a:3"].into_iter()).unwrap_err().code(), Code::BadOption);
        let many: Vec<String> = (0..17).map(|at| format!("n{at}:v")).collect();
        assert_eq!(labels(many.iter().take(16).map(String::as_str)).unwrap().len(), 16);
        assert_eq!(labels(many.iter().map(String::as_str)).unwrap_err().code(), Code::OptionOutOfRange);
    }

    #[test]
    fn a_unique_key_is_any_short_text() {
        assert_eq!(unique("order:7 \u{1f41d}").unwrap(), "order:7 \u{1f41d}");
        assert_eq!(unique("").unwrap_err().code(), Code::BadOption);
        assert_eq!(unique("a\u{7f}").unwrap_err().code(), Code::BadOption);
        assert!(unique(&"\u{e4}".repeat(255)).is_ok());
        assert_eq!(unique(&"k".repeat(256)).unwrap_err().code(), Code::OptionOutOfRange);
    }
}
