//! What a file is that is not what its name says: a Git LFS pointer, a web page, another format, another encoding.
//!
//! Every loader asks here before it reports a parse error, so that page, CLI and embed say the same of the same file.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

/// In words, what a file is and how to get the right one; nothing for a file without a sign of being something else.
pub fn describe(bytes: &[u8]) -> Option<String> {
    const LFS: &[u8] = b"version https://git-lfs.github.com/spec/";
    let text = bytes.trim_ascii_start();
    let begins =
        |sign: &[u8]| text.len() >= sign.len() && text[..sign.len()].eq_ignore_ascii_case(sign);
    if bytes.is_empty() {
        return Some("it is empty".to_owned());
    }
    if begins(LFS) {
        let size = std::str::from_utf8(bytes).ok().and_then(|text| {
            text.lines()
                .find_map(|line| line.strip_prefix("size ")?.trim().parse::<u64>().ok())
        });
        let size = size.map_or_else(String::new, |size| format!(" of {size} bytes"));
        return Some(format!(
            "it is a Git LFS pointer to the file{size} (line 1: `version`), not the file itself: run `git lfs pull` in its \
             repository, or fetch the file by its download link"
        ));
    }
    if begins(b"<!doctype html") || begins(b"<html") || begins(b"<?xml") {
        return Some(
            "it is a web page (line 1 begins with `<`), perhaps of an error or a login: use the download link of the file"
                .to_owned(),
        );
    }
    let signs: [(&[u8], &str); 6] = [
        (b"\xFF\xFE", "it is text in UTF-16: save it as UTF-8"),
        (b"\xFE\xFF", "it is text in UTF-16: save it as UTF-8"),
        (
            b"PK\x03\x04",
            "it is a zip archive, as `torch.save` writes: load it in `transformers` and write it with `save_pretrained`",
        ),
        (
            b"\x80\x02",
            "it is a Python pickle, as old versions of `torch.save` write: load it in `transformers` and write it with \
             `save_pretrained`",
        ),
        (b"\x1F\x8B", "it is compressed by gzip: unpack it"),
        (
            b"GGUF",
            "it is a GGUF file of llama.cpp: take the model's folder in Hugging Face's format",
        ),
    ];
    let sign = signs.iter().find(|(sign, _)| bytes.starts_with(sign));
    sign.map(|(_, words)| (*words).to_owned())
}

/// Without the byte-order mark that Windows programs put before UTF-8.
pub fn without_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)
}

/// Text in UTF-8, with or without a byte-order mark.
///
/// # Errors
/// In words: which encoding it seems to have, and what to do.
pub fn utf8(bytes: &[u8]) -> Result<&str, String> {
    if let Some(words) = describe(bytes).filter(|_| !bytes.is_empty()) {
        return Err(words);
    }
    std::str::from_utf8(without_bom(bytes)).map_err(|error| {
        format!(
            "it is not UTF-8: byte {} is {:#04x}, perhaps of Latin-1 or Windows-1252; save it as UTF-8",
            error.valid_up_to(),
            bytes.get(error.valid_up_to()).copied().unwrap_or(0)
        )
    })
}

/// A JSON object as Python reads and writes it: with or without a byte-order mark, `NaN` and `Infinity` allowed. These two become
/// strings, so a field that asks for a number refuses them.
///
/// # Errors
/// In words, with the line of the fault, or what the file is instead. A field that comes twice is one.
pub fn json_object(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    object::<true>(bytes)
}

/// As [`json_object`]; of a field that comes twice the last counts.
///
/// # Errors
/// In words, with the line of the fault, or what the file is instead.
pub fn json_object_of_last(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    object::<false>(bytes)
}

fn object<const UNIQUE: bool>(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    if let Some(words) = describe(bytes) {
        return Err(format!("{words} (no JSON at line 1)"));
    }
    let text = utf8(bytes).map_err(|words| format!("{words} (no JSON in its line)"))?;
    let parsed = serde_json::from_str::<Object<UNIQUE>>(text)
        .or_else(|error| match quote_python_numbers(text) {
            Some(quoted) => serde_json::from_str::<Object<UNIQUE>>(&quoted),
            None => Err(error),
        })
        .map_err(|error| error.to_string())?;
    Ok(parsed.0)
}

/// `NaN`, `Infinity` and `-Infinity` outside of strings, put in quotation marks; nothing where there are none.
fn quote_python_numbers(text: &str) -> Option<String> {
    const NAMES: [&str; 3] = ["NaN", "-Infinity", "Infinity"];
    let mut quoted = String::with_capacity(text.len());
    let (mut rest, mut found, mut in_string) = (text, false, false);
    while let Some(letter) = rest.chars().next() {
        if !in_string && let Some(name) = NAMES.iter().find(|name| rest.starts_with(**name)) {
            quoted.extend(["\"", name, "\""]);
            rest = &rest[name.len()..];
            found = true;
            continue;
        }
        let mut length = letter.len_utf8();
        match letter {
            '"' => in_string = !in_string,
            '\\' if in_string => {
                length += rest[length..].chars().next().map_or(0, char::len_utf8);
            }
            _ => {}
        }
        quoted.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    found.then_some(quoted)
}

/// An object, none of whose fields comes twice where `UNIQUE`.
struct Object<const UNIQUE: bool>(Map<String, Value>);

impl<'de, const UNIQUE: bool> Deserialize<'de> for Object<UNIQUE> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<const UNIQUE: bool>;
        impl<'de, const UNIQUE: bool> Visitor<'de> for Fields<UNIQUE> {
            type Value = Object<UNIQUE>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<UNIQUE>, A::Error> {
                let mut fields = Map::new();
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    if UNIQUE && fields.contains_key(&key) {
                        return Err(A::Error::custom(format!("duplicate field `{key}`")));
                    }
                    fields.insert(key, value);
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(Fields::<UNIQUE>)
    }
}

/// Whether a field asks for nothing: null, false, or empty.
pub fn is_off(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_something_else_are_named() {
        let lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 123456\n";
        for (bytes, words) in [
            (&lfs[..], "Git LFS pointer to the file of 123456 bytes"),
            (b"\n<!DOCTYPE html>", "web page"),
            (b"PK\x03\x04....", "save_pretrained"),
            (b"\xFF\xFEa\0", "UTF-16"),
            (b"GGUF....", "llama.cpp"),
            (b"", "empty"),
        ] {
            let said = describe(bytes).expect("a sign");
            assert!(said.contains(words), "{said}");
        }
        assert_eq!(describe(b"{}"), None);
    }

    #[test]
    fn python_json_is_read_as_python_reads_it() {
        let object = json_object(
            b"\xEF\xBB\xBF{\"a\": [0.0, Infinity, -Infinity], \"b\": \"NaN\\\" NaN\", \"c\": NaN}",
        )
        .expect("Python's JSON");
        assert_eq!(object["a"][1], "Infinity");
        assert_eq!(object["a"][2], "-Infinity");
        assert_eq!(object["b"], "NaN\" NaN");
        assert_eq!(object["c"], "NaN");
    }

    #[test]
    fn what_is_no_object_is_refused_with_its_line() {
        for text in [
            "[]",
            "null",
            "{\"a\":",
            "{\"a\": 1, \"a\": 1}",
            "<html>",
            "",
        ] {
            let words = json_object(text.as_bytes()).expect_err("no object");
            assert!(words.contains("line"), "{words}");
        }
    }

    #[test]
    fn text_of_another_encoding_is_named() {
        assert_eq!(utf8("\u{FEFF}Zoë".as_bytes()), Ok("Zoë"));
        assert!(
            utf8(b"Zo\xEB")
                .expect_err("Latin-1")
                .contains("byte 2 is 0xeb")
        );
    }
}
