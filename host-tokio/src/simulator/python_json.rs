//! JSON as Python's `json.dumps` spells it: a space after `:` and `,`, ASCII only, floats by `repr`.

use std::io;

use serde::Serialize;
use serde_json::{Value, ser::Formatter};

/// Spells `value` as Python would.
pub(super) fn dumps(value: &Value) -> String {
    let mut bytes = Vec::with_capacity(128);
    let written = value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, Python));
    debug_assert!(written.is_ok(), "a Vec takes everything and a Value's keys are strings");
    bytes.into_iter().map(char::from).collect()
}

struct Python;

impl Formatter for Python {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut units = [0; 2];
        for c in fragment.chars() {
            if matches!(c, ' '..='~') {
                write!(writer, "{c}")?;
            } else {
                for unit in c.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }

    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(float(value).as_bytes())
    }
}

/// Python's `repr(float)`: the shortest digits, an exponent below 1e-4 and from 1e16 on.
pub(super) fn float(value: f64) -> String {
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if value == 0.0 || (-4..16).contains(&exponent) {
        format!("{value:?}")
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{mantissa}e{sign}{:02}", exponent.abs())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spells_as_python_does() {
        let value = json!({"b": [1, 2.0, null, true], "a": {"ü": "\u{7f}\"\\\n\u{1b}漢😀/"}, "": {}, "e": []});
        let python =
            r#"{"b": [1, 2.0, null, true], "a": {"\u00fc": "\u007f\"\\\n\u001b\u6f22\ud83d\ude00/"}, "": {}, "e": []}"#;
        assert_eq!(dumps(&value), python);
    }

    #[test]
    fn floats_are_repr() {
        for (value, python) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.37, "0.37"),
            (2.219_999_999_999_999_8, "2.2199999999999998"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (-1.5e300, "-1.5e+300"),
        ] {
            assert_eq!(float(value), python);
        }
    }
}
