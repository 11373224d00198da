//! A task's input schema: a JSON Schema, inline in the file or in a file of its own.

use super::value::{Raw, whole};
use serde_json::{Map, Number, Value};
use std::{fs, path::Path};
use toml::de::{DeTable, DeValue};

/// The schema, checked to be one.
pub(super) fn read(raw: Raw<'_>, base: &Path) -> Result<Value, String> {
    let schema = match raw {
        Raw::Toml(DeValue::Table(table)) => object(table)?,
        Raw::Toml(DeValue::String(path)) => from_file(&base.join(path.as_ref()))?,
        Raw::Toml(_) | Raw::Text(_) => return Err("must be a table, or the path of a JSON file".to_owned()),
    };
    match jsonschema::validator_for(&schema) {
        Ok(_) => Ok(schema),
        Err(why) => {
            let at = why.instance_path().to_string();
            let at = if at.is_empty() { "it".to_owned() } else { format!("`{at}`") };
            Err(format!("is not a JSON Schema: {at}: {why}"))
        }
    }
}

fn from_file(path: &Path) -> Result<Value, String> {
    let text = fs::read_to_string(path).map_err(|why| format!("{} cannot be read: {why}", path.display()))?;
    serde_json::from_str(&text).map_err(|why| format!("{} is not JSON: {why}", path.display()))
}

fn object(table: &DeTable<'_>) -> Result<Value, String> {
    let pairs = table.iter().map(|(key, value)| Ok((key.get_ref().clone().into_owned(), json(value.get_ref())?)));
    pairs.collect::<Result<Map<String, Value>, String>>().map(Value::Object)
}

fn json(value: &DeValue<'_>) -> Result<Value, String> {
    match value {
        DeValue::String(text) => Ok(Value::String(text.clone().into_owned())),
        DeValue::Integer(number) => {
            whole(number).map(Value::from).ok_or_else(|| format!("`{number}` does not fit in 64 bits"))
        }
        DeValue::Float(number) => number
            .as_str()
            .replace('_', "")
            .parse()
            .ok()
            .and_then(Number::from_f64)
            .map(Value::Number)
            .ok_or_else(|| format!("`{number}` is no number in JSON")),
        DeValue::Boolean(flag) => Ok(Value::Bool(*flag)),
        DeValue::Datetime(date) => Err(format!("`{date}` must stand in quotes: JSON has no dates")),
        DeValue::Array(items) => {
            items.iter().map(|item| json(item.get_ref())).collect::<Result<Vec<Value>, String>>().map(Value::Array)
        }
        DeValue::Table(table) => object(table),
    }
}
