//! The template of `tokenizer.json`: which special tokens stand before a text.
//!
//! Of its `post_processor` only that matters here. What would put tokens after the text, or the text twice, is refused: such a text
//! has ended, and cannot be continued.

use serde_json::Value;

use crate::LoadError;

/// Several times what any known template puts before a text.
const MOST_TOKENS: usize = 64;

fn refuse(found: impl Into<String>, expected: &str) -> LoadError {
    LoadError::OtherTokenizer {
        part: "post_processor",
        found: found.into(),
        expected: expected.to_owned(),
    }
}

/// The ids that a `post_processor` puts before a text.
///
/// # Errors
/// When it does anything else to the ids, or names ids that are not below `vocab_size`.
pub fn tokens_before_text(processor: &Value, vocab_size: usize) -> Result<Vec<u32>, LoadError> {
    let mut before = Vec::new();
    collect(processor, vocab_size, &mut before)?;
    if before.len() > MOST_TOKENS {
        return Err(refuse(
            format!("{} tokens", before.len()),
            "at most 64 before a text",
        ));
    }
    Ok(before)
}

fn collect(processor: &Value, vocab_size: usize, before: &mut Vec<u32>) -> Result<(), LoadError> {
    match processor["type"].as_str() {
        _ if processor.is_null() => Ok(()),
        // Of offsets alone.
        Some("ByteLevel") => Ok(()),
        Some("TemplateProcessing") => {
            // A later template frames what an earlier one has framed.
            let own = single(processor, vocab_size)?;
            before.splice(0..0, own);
            if before.len() > MOST_TOKENS {
                return Err(refuse("a long template", "at most 64 tokens before a text"));
            }
            Ok(())
        }
        Some("Sequence") => {
            let list = processor["processors"].as_array();
            let list = list.ok_or_else(|| refuse("a Sequence", "one with a list `processors`"))?;
            list.iter()
                .try_for_each(|step| collect(step, vocab_size, before))
        }
        Some(kind) => Err(refuse(
            kind,
            "TemplateProcessing, ByteLevel, or none: others put tokens after the text, which then has ended",
        )),
        None => Err(refuse(
            "a step without a type",
            "TemplateProcessing, ByteLevel, or none",
        )),
    }
}

/// What a template puts before a single text.
fn single(template: &Value, vocab_size: usize) -> Result<Vec<u32>, LoadError> {
    let pieces = template["single"].as_array();
    let pieces = pieces.ok_or_else(|| refuse("a template", "one with a list `single`"))?;
    let (mut before, mut seen) = (Vec::new(), false);
    for piece in pieces {
        if piece["Sequence"]["id"] == "A" && !seen {
            seen = true;
            continue;
        }
        let special = piece["SpecialToken"]["id"].as_str();
        let special = special.filter(|_| !seen).ok_or_else(|| {
            refuse(
                piece.to_string(),
                "special tokens and then the text `A`, once and last: a text with tokens after it has ended",
            )
        })?;
        let ids = template["special_tokens"][special]["ids"].as_array();
        for id in ids.ok_or_else(|| refuse(special, "the ids of each special token"))? {
            let id = id.as_u64().filter(|id| *id < vocab_size as u64);
            let id = id.ok_or_else(|| {
                refuse(format!("other ids for {special}"), "ids of the vocabulary")
            })?;
            before.push(id as u32);
            if before.len() > MOST_TOKENS {
                return Err(refuse("a long template", "at most 64 tokens before a text"));
            }
        }
    }
    if seen {
        Ok(before)
    } else {
        Err(refuse("a template without `A`", "one with the text"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(single: &Value) -> Value {
        json!({
            "type": "TemplateProcessing", "single": single, "pair": [],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}, "<x>": {"id": "<x>", "ids": [7, 99], "tokens": []}},
        })
    }

    fn special(name: &str) -> Value {
        json!({"SpecialToken": {"id": name, "type_id": 0}})
    }

    #[test]
    fn what_stands_before_a_text_is_taken() {
        let text = json!({"Sequence": {"id": "A", "type_id": 0}});
        let offsets = json!({"type": "ByteLevel", "trim_offsets": true});
        for (processor, ids) in [
            (Value::Null, vec![]),
            (offsets.clone(), vec![]),
            (template(&json!([special("<s>"), text])), vec![1]),
            (
                template(&json!([special("<s>"), special("<s>"), text])),
                vec![1, 1],
            ),
            (
                json!({"type": "Sequence", "processors": [offsets, template(&json!([special("<s>"), text]))]}),
                vec![1],
            ),
        ] {
            assert_eq!(tokens_before_text(&processor, 10).expect("a template"), ids);
        }
    }

    #[test]
    fn what_changes_ids_otherwise_is_refused_by_part() {
        let text = json!({"Sequence": {"id": "A", "type_id": 0}});
        for processor in [
            template(&json!([special("<s>"), text, special("<s>")])),
            template(&json!([text, text])),
            template(&json!([special("<s>")])),
            template(&json!([{"Sequence": {"id": "B", "type_id": 0}}])),
            template(&json!([special("<x>"), text])),
            template(&json!([special("<unknown>"), text])),
            json!({"type": "BertProcessing", "sep": ["[SEP]", 1], "cls": ["[CLS]", 2]}),
            json!({"type": 3}),
        ] {
            let error = tokens_before_text(&processor, 10).expect_err("refused");
            assert!(error.to_string().contains("post_processor"), "{error}");
        }
    }
}
