//! JSON values as the texts of fields.
//!
//! The rules are Go's, because users compare: a number is a 64-bit float in its shortest decimal form, and an
//! object or array is JSON text as Go's encoder writes it (`<`, `>` and `&` escaped, exponents for very small
//! and very large numbers). Keys stay in the order of the document.

use std::fmt::Write;

use millstream_stage::FieldEdit;
use serde_json::{Number, Value};

/// Sets the field of a row to a value; null takes the field away.
pub(crate) fn write(edit: &mut FieldEdit<'_>, row: usize, value: &Value) {
    match value {
        Value::Null => edit.unset(row),
        Value::String(text) => edit.set(row, text),
        Value::Bool(true) => edit.set(row, "true"),
        Value::Bool(false) => edit.set(row, "false"),
        Value::Number(number) => edit.set(row, &float(number).to_string()),
        Value::Array(_) | Value::Object(_) => {
            let mut json = String::new();
            push(&mut json, value);
            edit.set(row, &json);
        }
    }
}

/// serde_json is built without arbitrary precision, so every number has a float.
fn float(number: &Number) -> f64 {
    number.as_f64().unwrap_or_default()
}

fn push(json: &mut String, value: &Value) {
    match value {
        Value::Null => json.push_str("null"),
        Value::Bool(value) => json.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => push_number(json, float(number)),
        Value::String(text) => push_string(json, text),
        Value::Array(values) => {
            json.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    json.push(',');
                }
                push(json, value);
            }
            json.push(']');
        }
        Value::Object(values) => {
            json.push('{');
            for (index, (key, value)) in values.iter().enumerate() {
                if index > 0 {
                    json.push(',');
                }
                push_string(json, key);
                json.push(':');
                push(json, value);
            }
            json.push('}');
        }
    }
}

fn push_number(json: &mut String, number: f64) {
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{number:e}");
        // Go writes the sign of a positive exponent.
        json.push_str(&if text.contains("e-") {
            text
        } else {
            text.replace('e', "e+")
        });
        return;
    }
    // Writing to a string cannot fail.
    let _ = write!(json, "{number}");
}

fn push_string(json: &mut String, text: &str) {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\0'..='\x1f' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(json, "\\u{:04x}", character as u32);
            }
            other => json.push(other),
        }
    }
    json.push('"');
}
