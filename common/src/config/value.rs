//! Reading one value, whether a TOML one or the text of a variable or flag, into what it is meant to be.

use crate::model::{parse_duration, parse_size};
use std::ops::RangeInclusive;
use toml::de::{DeInteger, DeTable, DeValue};

/// A value as it was given.
#[derive(Debug, Clone, Copy)]
pub(super) enum Raw<'a> {
    /// In the file.
    Toml(&'a DeValue<'a>),
    /// In a variable or flag.
    Text(&'a str),
}

impl<'a> Raw<'a> {
    /// What kind of value it is, for a fault.
    fn kind(self) -> &'static str {
        match self {
            Self::Toml(DeValue::String(_)) | Self::Text(_) => "a text",
            Self::Toml(DeValue::Integer(_) | DeValue::Float(_)) => "a number",
            Self::Toml(DeValue::Boolean(_)) => "true or false",
            Self::Toml(DeValue::Datetime(_)) => "a date",
            Self::Toml(DeValue::Array(_)) => "an array",
            Self::Toml(DeValue::Table(_)) => "a table",
        }
    }

    fn wrong(self, wanted: &str) -> String {
        format!("must be {wanted}, not {}", self.kind())
    }

    pub(super) fn text(self) -> Result<&'a str, String> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Toml(value) => value.as_str().ok_or_else(|| self.wrong("a text in quotes")),
        }
    }

    /// A text with something in it.
    pub(super) fn word(self) -> Result<&'a str, String> {
        self.text().and_then(|text| if text.is_empty() { Err("must not be empty".to_owned()) } else { Ok(text) })
    }

    /// Milliseconds.
    pub(super) fn duration(self) -> Result<u64, String> {
        self.with_unit("a duration in quotes, for example \"30s\"", |text| parse_duration(text).map_err(|why| why.0))
    }

    /// Bytes.
    pub(super) fn size(self) -> Result<u64, String> {
        self.with_unit("a size in quotes, for example \"256MiB\"", |text| parse_size(text).map_err(|why| why.0))
    }

    /// A bare number is a fault, of the same wording as the same number in quotes.
    fn with_unit(self, wanted: &str, parse: impl Fn(&str) -> Result<u64, String>) -> Result<u64, String> {
        match self {
            Self::Text(text) => parse(text),
            Self::Toml(DeValue::String(text)) => parse(text),
            Self::Toml(DeValue::Integer(number)) => parse(number.as_str()),
            Self::Toml(DeValue::Float(number)) => parse(number.as_str()),
            Self::Toml(DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_)) => {
                Err(self.wrong(wanted))
            }
        }
    }

    pub(super) fn integer(self, range: &RangeInclusive<i64>) -> Result<i64, String> {
        let wanted = format!("a whole number from {} to {}", range.start(), range.end());
        let number = match self {
            Self::Text(text) => text.trim().parse().ok(),
            Self::Toml(value) => value.as_integer().and_then(whole),
        };
        match number {
            Some(number) if range.contains(&number) => Ok(number),
            Some(number) => Err(format!("must be {wanted}, not {number}")),
            None => Err(match self {
                Self::Text(text) => format!("must be {wanted}, not `{text}`"),
                Self::Toml(_) => self.wrong(&wanted),
            }),
        }
    }

    /// A number above 0, with or without a fraction.
    pub(super) fn fraction(self) -> Result<f64, String> {
        let number: Option<f64> = match self {
            Self::Text(text) => text.trim().parse().ok(),
            Self::Toml(DeValue::Float(number)) => number.as_str().replace('_', "").parse().ok(),
            Self::Toml(value) => value.as_integer().and_then(whole).and_then(|n| i32::try_from(n).ok()).map(f64::from),
        };
        number
            .filter(|number| number.is_finite() && *number > 0.0)
            .ok_or_else(|| "must be a number above 0, for example 0.5 or 2".to_owned())
    }

    pub(super) fn boolean(self) -> Result<bool, String> {
        match self {
            Self::Text("true" | "1") | Self::Toml(DeValue::Boolean(true)) => Ok(true),
            Self::Text("false" | "0") | Self::Toml(DeValue::Boolean(false)) => Ok(false),
            Self::Text(text) => Err(format!("must be true or false, not `{text}`")),
            Self::Toml(_) => Err(self.wrong("true or false, without quotes")),
        }
    }

    /// Texts: an array, or one text alone where `single` allows it.
    pub(super) fn texts(self, single: bool) -> Result<Vec<String>, String> {
        let wanted = if single { "a text or an array of texts" } else { "an array of texts" };
        match self {
            Self::Toml(DeValue::Array(items)) => items
                .iter()
                .map(|item| match item.get_ref() {
                    DeValue::String(text) => Ok(text.clone().into_owned()),
                    other => Err(format!("must be {wanted}, but holds {}", Raw::Toml(other).kind())),
                })
                .collect(),
            Self::Toml(DeValue::String(text)) if single => Ok(vec![text.clone().into_owned()]),
            Self::Toml(_) | Self::Text(_) => Err(self.wrong(wanted)),
        }
    }

    pub(super) fn table(self) -> Result<&'a DeTable<'a>, String> {
        match self {
            Self::Toml(DeValue::Table(table)) => Ok(table),
            Self::Toml(_) | Self::Text(_) => Err(self.wrong("a table")),
        }
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(self, words: &[(&str, T)]) -> Result<T, String> {
        let text = self.text()?;
        words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
            let all: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            format!("must be {}, not \"{text}\"", all.join(" or "))
        })
    }
}

/// The value of a TOML integer, when 64 bits hold it.
pub(super) fn whole(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_number_lacks_its_unit_in_file_and_variable_alike() {
        let value = DeValue::parse("30").expect("a value").into_inner();
        let said = Raw::Toml(&value).duration().expect_err("no unit");
        assert_eq!(said, Raw::Text("30").duration().expect_err("no unit"));
        assert!(said.contains("needs a unit"), "{said}");
        assert_eq!(Raw::Text("30s").duration(), Ok(30_000));
    }

    #[test]
    fn wrong_kinds_are_named() {
        let list = DeValue::parse("[\"a\", 1]").expect("a value").into_inner();
        assert_eq!(Raw::Toml(&list).texts(false).expect_err("mixed"), "must be an array of texts, but holds a number");
        assert_eq!(
            Raw::Toml(&list).boolean().expect_err("list"),
            "must be true or false, without quotes, not an array"
        );
        assert_eq!(
            Raw::Text("x").choice(&[("json", 1), ("text", 2)]).expect_err("no such"),
            "must be \"json\" or \"text\", not \"x\""
        );
        assert!(Raw::Text("0").fraction().is_err() && Raw::Text("-1").integer(&(0..=5)).is_err());
    }
}
