//! `generation_config.json`: which tokens end a text. Its sampling defaults are knobs here, set by the reader and not by the file;
//! what would change decoding beyond the knobs is refused by name.

use serde_json::Value;

use crate::LoadError;
use crate::config::token_ids;
use crate::file_kind::{is_off, json_object};

/// Fields that change no distribution, or that are knobs of the reader, or that speed decoding up without changing it.
const HARMLESS: &[&str] = &[
    // knobs: temperature, filters, penalty, length, number of chains, greedy or sampled
    "do_sample",
    "temperature",
    "top_k",
    "top_p",
    "min_p",
    "typical_p",
    "repetition_penalty",
    "max_length",
    "max_new_tokens",
    "num_return_sequences",
    "max_time",
    "num_beams",
    "early_stopping",
    "length_penalty",
    // other tokens than the ends
    "bos_token_id",
    "pad_token_id",
    "decoder_start_token_id",
    // how `generate` runs and what it returns
    "use_cache",
    "use_mtp",
    "cache_implementation",
    "cache_config",
    "max_cache_len",
    "return_legacy_cache",
    "output_attentions",
    "output_hidden_states",
    "output_scores",
    "output_logits",
    "return_dict_in_generate",
    "remove_invalid_values",
    "renormalize_logits",
    "compile_config",
    "disable_compile",
    "continuous_batching_config",
    "low_memory",
    "prefill_chunk_size",
    "is_assistant",
    "num_assistant_tokens",
    "num_assistant_tokens_schedule",
    "assistant_confidence_threshold",
    "prompt_lookup_num_tokens",
    "max_matching_ngram_size",
    "assistant_early_exit",
    "assistant_lookbehind",
    "target_lookbehind",
    "assistant_ensemble_weight",
    "speculation_type",
    // who wrote it
    "transformers_version",
    "_from_model_config",
    "_commit_hash",
];

/// Values that switch a field off although they are neither null nor empty.
fn neutral(field: &str) -> Option<f64> {
    match field {
        "min_length"
        | "min_new_tokens"
        | "no_repeat_ngram_size"
        | "encoder_no_repeat_ngram_size"
        | "epsilon_cutoff"
        | "eta_cutoff"
        | "diversity_penalty" => Some(0.0),
        "encoder_repetition_penalty" | "guidance_scale" | "num_beam_groups" | "top_h" => Some(1.0),
        _ => None,
    }
}

/// The tokens that end a text. As in `transformers`, the file's word counts in place of config.json's, and none means none.
///
/// # Errors
/// When it is no JSON, an id is not below `vocab_size`, or a field asks for what is not computed here.
pub fn end_tokens(json: &[u8], vocab_size: usize) -> Result<Vec<u32>, LoadError> {
    const FILE: &str = "generation_config.json";
    let fields = json_object(json).map_err(|problem| LoadError::Json {
        file: FILE,
        problem,
    })?;
    for (field, value) in &fields {
        let known = field == "eos_token_id" || HARMLESS.contains(&field.as_str());
        let off = is_off(value) || (value.is_number() && neutral(field) == value.as_f64());
        if !known && !off {
            return Err(LoadError::Config {
                file: FILE,
                field: field.clone(),
                found: value.to_string(),
                expected: "nothing: decoding here has the knobs of the page and no other rules"
                    .to_owned(),
            });
        }
    }
    token_ids(
        FILE,
        "eos_token_id",
        fields.get("eos_token_id").unwrap_or(&Value::Null),
        vocab_size,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_one_several_or_none() {
        for (json, ends) in [
            ("{\"eos_token_id\": 2}", vec![2]),
            (
                "{\"eos_token_id\": [1, 2], \"top_k\": 50, \"min_length\": 0}",
                vec![1, 2],
            ),
            ("{\"eos_token_id\": null}", vec![]),
            ("{}", vec![]),
        ] {
            assert_eq!(end_tokens(json.as_bytes(), 3).expect("sound"), ends);
        }
    }

    #[test]
    fn rules_beyond_the_knobs_are_refused_by_field() {
        for (field, value) in [
            ("eos_token_id", "-1"),
            ("eos_token_id", "[1, 3]"),
            ("suppress_tokens", "[5]"),
            ("no_repeat_ngram_size", "3"),
            ("guidance_scale", "1.5"),
            ("unheard_of", "1"),
        ] {
            let json = format!("{{\"{field}\": {value}}}");
            let said = end_tokens(json.as_bytes(), 3)
                .expect_err("refused")
                .to_string();
            assert!(
                said.contains(&format!("generation_config.json: `{field}`")),
                "{said}"
            );
        }
    }
}
