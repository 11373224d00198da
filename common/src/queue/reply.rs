//! Reading answers: an array is taken item by item, and what does not fit is [`QueueError::Garbled`].

use super::QueueError;
use redis::Value;
use std::str::FromStr;

/// The items of an array, to be taken in order.
#[derive(Debug)]
pub(super) struct Items(std::vec::IntoIter<Value>);

impl Items {
    /// The items of `value`, which must be an array.
    pub(super) fn of(value: Value) -> Result<Self, QueueError> {
        match value {
            Value::Array(items) => Ok(Self(items.into_iter())),
            other => Err(garbled("an array", &other)),
        }
    }

    /// The next item, whatever it is; absent counts as nil.
    pub(super) fn value(&mut self) -> Value {
        self.0.next().unwrap_or(Value::Nil)
    }

    /// All that are left.
    pub(super) fn rest(self) -> impl Iterator<Item = Value> {
        self.0
    }

    pub(super) fn text(&mut self) -> Result<String, QueueError> {
        text(self.value())
    }

    pub(super) fn maybe_bytes(&mut self) -> Result<Option<Vec<u8>>, QueueError> {
        maybe_bytes(self.value())
    }

    /// A text that reads as `T`, or an integer.
    pub(super) fn parsed<T: FromStr>(&mut self) -> Result<T, QueueError> {
        parsed(&text(self.value())?)
    }

    pub(super) fn maybe_parsed<T: FromStr>(&mut self) -> Result<Option<T>, QueueError> {
        match self.value() {
            Value::Nil => Ok(None),
            other => parsed(&text(other)?).map(Some),
        }
    }

    pub(super) fn flag(&mut self) -> Result<bool, QueueError> {
        Ok(self.parsed::<i64>()? != 0)
    }
}

pub(super) fn parsed<T: FromStr>(text: &str) -> Result<T, QueueError> {
    text.parse().map_err(|_| QueueError::Garbled(format!("`{text}` is not of the expected kind")))
}

pub(super) fn text(value: Value) -> Result<String, QueueError> {
    match value {
        Value::BulkString(bytes) => {
            String::from_utf8(bytes).map_err(|_| QueueError::Garbled("a text is not UTF-8".into()))
        }
        Value::SimpleString(text) => Ok(text),
        Value::Int(number) => Ok(number.to_string()),
        Value::Okay => Ok("OK".into()),
        other => Err(garbled("a text", &other)),
    }
}

pub(super) fn maybe_bytes(value: Value) -> Result<Option<Vec<u8>>, QueueError> {
    match value {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => Ok(Some(bytes)),
        other => Err(garbled("bytes", &other)),
    }
}

/// Name and value by turns, as HGETALL answers.
pub(super) fn pairs(value: Value) -> Result<Vec<(String, Vec<u8>)>, QueueError> {
    let mut items = Items::of(value)?;
    let mut pairs = Vec::new();
    while let Some(name) = items.0.next() {
        let name = text(name)?;
        pairs.push((name, items.maybe_bytes()?.unwrap_or_default()));
    }
    Ok(pairs)
}

fn garbled(expected: &str, found: &Value) -> QueueError {
    let kind = match found {
        Value::Nil => "nil",
        Value::Int(_) => "an integer",
        Value::BulkString(_) | Value::SimpleString(_) | Value::Okay => "a text",
        Value::Array(_) => "an array",
        _ => "something else",
    };
    QueueError::Garbled(format!("expected {expected}, found {kind}"))
}
