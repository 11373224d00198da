//! Which JSON types a schema allows for each field of a form, as far as its plain keywords tell.

use serde_json::Value;
use std::collections::HashMap;

/// References and combinations are followed this deep.
const DEEPEST: u8 = 8;

/// The types a value may have. None at all: the schema does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Kinds {
    pub(crate) string: bool,
    /// A number, whole or not: the schema itself tells them apart afterwards.
    pub(crate) number: bool,
    pub(crate) boolean: bool,
    pub(crate) null: bool,
    pub(crate) object: bool,
    pub(crate) array: bool,
    /// For the members of an array.
    pub(crate) items: Option<Box<Kinds>>,
}

/// The fields of the object that `root` describes.
pub(super) fn of_fields(root: &Value) -> HashMap<String, Kinds> {
    let mut fields = HashMap::new();
    collect_fields(root, root, 0, &mut fields);
    fields
}

fn collect_fields(schema: &Value, root: &Value, depth: u8, fields: &mut HashMap<String, Kinds>) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (name, property) in properties {
            collect(property, root, 0, fields.entry(name.clone()).or_default());
        }
    }
    for part in parts(schema, root, depth) {
        collect_fields(part, root, depth + 1, fields);
    }
}

/// What else a schema consists of: the target of its reference, and what it combines.
fn parts<'a>(schema: &'a Value, root: &'a Value, depth: u8) -> Vec<&'a Value> {
    if depth >= DEEPEST {
        return Vec::new();
    }
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
    let combined = ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|word| schema.get(word)?.as_array()).flatten();
    target.and_then(|pointer| root.pointer(pointer)).into_iter().chain(combined).collect()
}

fn collect(schema: &Value, root: &Value, depth: u8, kinds: &mut Kinds) {
    match schema.get("type") {
        Some(Value::String(name)) => kinds.add(name),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).for_each(|name| kinds.add(name)),
        Some(_) => {}
        None => {
            let listed = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
            listed.chain(schema.get("const")).for_each(|value| kinds.add(name_of(value)));
        }
    }
    if let Some(items) = schema.get("items").filter(|_| depth < DEEPEST) {
        collect(items, root, depth + 1, kinds.items.get_or_insert_default());
    }
    for part in parts(schema, root, depth) {
        collect(part, root, depth + 1, kinds);
    }
}

impl Kinds {
    fn add(&mut self, name: &str) {
        match name {
            "string" => self.string = true,
            "number" | "integer" => self.number = true,
            "boolean" => self.boolean = true,
            "null" => self.null = true,
            "object" => self.object = true,
            "array" => self.array = true,
            _ => {}
        }
    }
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn types_are_found_wherever_they_stand() {
        let fields = of_fields(&json!({
            "$defs": { "count": { "type": "integer" }, "more": { "properties": { "flag": { "type": "boolean" } } } },
            "properties": {
                "n": { "$ref": "#/$defs/count" },
                "maybe": { "type": ["number", "null"] },
                "either": { "anyOf": [{ "type": "string" }, { "type": "integer" }] },
                "level": { "enum": [1, 2, 3] },
                "ns": { "type": "array", "items": { "$ref": "#/$defs/count" } },
                "any": {},
            },
            "allOf": [{ "$ref": "#/$defs/more" }],
        }));
        let number = Kinds { number: true, ..Kinds::default() };
        assert_eq!(fields["n"], number);
        assert_eq!(fields["maybe"], Kinds { null: true, ..number.clone() });
        assert_eq!(fields["either"], Kinds { string: true, ..number.clone() });
        assert_eq!(fields["level"], number);
        assert_eq!(fields["ns"], Kinds { array: true, items: Some(Box::new(number)), ..Kinds::default() });
        assert_eq!(fields["any"], Kinds::default());
        assert!(fields["flag"].boolean);
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let fields = of_fields(&json!({ "properties": { "a": { "$ref": "#/properties/a" } }, "$ref": "#" }));
        assert_eq!(fields["a"], Kinds::default());
    }
}
