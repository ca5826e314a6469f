//! `adapter_config.json` as PEFT writes it: which projections are adapted, and how strongly.

use serde_json::Value;

use crate::{AdapterError, Projection};

/// Shape and strength of an adapter.
#[derive(Clone, Debug, PartialEq)]
pub struct AdapterConfig {
    /// Columns of A and rows of B, PEFT's `r`.
    pub rank: usize,
    /// PEFT's `lora_alpha`: the change of a weight is `alpha / rank` times the product of its two factors.
    pub alpha: f64,
    /// The projections of every block that are adapted.
    pub targets: Vec<Projection>,
    /// Where the base was found when the adapter was made; for people, not checked.
    pub base: String,
}

/// Larger ranks than the widest projection of any Llama say nothing that a full matrix would not.
const LARGEST_RANK: u64 = 1 << 15;

/// Variants of LoRA that compute something else; PEFT writes them down as null, false or empty where they are off.
const OTHER_KINDS: [&str; 19] = [
    "fan_in_fan_out",
    "use_rslora",
    "use_dora",
    "use_qalora",
    "use_bdlora",
    "lora_bias",
    "modules_to_save",
    "layers_to_transform",
    "layer_replication",
    "rank_pattern",
    "alpha_pattern",
    "exclude_modules",
    "target_parameters",
    "trainable_token_indices",
    "alora_invocation_tokens",
    "arrow_config",
    "kasa_config",
    "monteclora_config",
    "velora_config",
];

fn refuse(field: &'static str, found: &Value, expected: &str) -> AdapterError {
    AdapterError::Config {
        field,
        found: found.to_string(),
        expected: expected.to_owned(),
    }
}

impl AdapterConfig {
    /// Reads `adapter_config.json`.
    ///
    /// # Errors
    /// When it is not JSON, or asks for anything but plain LoRA on projections of a Llama.
    pub fn parse(json: &[u8]) -> Result<Self, AdapterError> {
        let config: Value =
            serde_json::from_slice(json).map_err(|source| AdapterError::Json { source })?;
        if config["peft_type"] != "LORA" {
            return Err(refuse("peft_type", &config["peft_type"], "\"LORA\""));
        }
        for field in OTHER_KINDS {
            let off = match &config[field] {
                Value::Null | Value::Bool(false) => true,
                Value::Array(list) => list.is_empty(),
                Value::Object(fields) => fields.is_empty(),
                _ => false,
            };
            if !off {
                return Err(refuse(field, &config[field], "nothing (plain LoRA)"));
            }
        }
        if !(config["bias"].is_null() || config["bias"] == "none") {
            return Err(refuse("bias", &config["bias"], "\"none\""));
        }
        let rank = config["r"].as_u64();
        let rank = rank.filter(|rank| (1..=LARGEST_RANK).contains(rank));
        let rank = rank.ok_or_else(|| refuse("r", &config["r"], "a whole number from 1 up"))?;
        let alpha = config["lora_alpha"].as_f64();
        // The factors are f32, and so is what they are multiplied with.
        let alpha = alpha.filter(|alpha| ((alpha / rank as f64) as f32).is_finite());
        let alpha = alpha.ok_or_else(|| {
            let expected = "a number whose share of `r` is one of f32";
            refuse("lora_alpha", &config["lora_alpha"], expected)
        })?;
        Ok(Self {
            rank: rank as usize,
            alpha,
            targets: targets(&config["target_modules"])?,
            base: config["base_model_name_or_path"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        })
    }

    /// The text of `adapter_config.json`, as PEFT reads it.
    pub fn to_json(&self) -> String {
        let targets: Vec<&str> = self.targets.iter().map(|target| target.name()).collect();
        let value = serde_json::json!({
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "base_model_name_or_path": self.base,
            "r": self.rank,
            "lora_alpha": self.alpha,
            "lora_dropout": 0.0,
            "target_modules": targets,
            "bias": "none",
            "fan_in_fan_out": false,
            "use_rslora": false,
            "modules_to_save": null,
            "inference_mode": true,
        });
        format!("{value:#}\n")
    }
}

fn targets(found: &Value) -> Result<Vec<Projection>, AdapterError> {
    let names = Projection::ALL.map(Projection::name).join(", ");
    let wrong = || {
        let expected = format!("a list of some of {names}, each once");
        refuse("target_modules", found, &expected)
    };
    let listed = found.as_array().filter(|list| !list.is_empty());
    let mut targets = Vec::new();
    for name in listed.ok_or_else(wrong)? {
        let target = Projection::ALL
            .into_iter()
            .find(|target| *name == target.name());
        let target = target.filter(|target| !targets.contains(target));
        targets.push(target.ok_or_else(wrong)?);
    }
    Ok(targets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> AdapterConfig {
        AdapterConfig {
            rank: 8,
            alpha: 16.0,
            targets: vec![Projection::Query, Projection::Down],
            base: "../..".to_owned(),
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        assert_eq!(
            AdapterConfig::parse(config().to_json().as_bytes()).unwrap(),
            config()
        );
    }

    #[test]
    fn what_is_not_plain_lora_is_refused_by_field() {
        for (field, value) in [
            ("peft_type", serde_json::json!("IA3")),
            ("use_dora", serde_json::json!(true)),
            ("rank_pattern", serde_json::json!({"q_proj": 4})),
            ("bias", serde_json::json!("all")),
            ("r", serde_json::json!(0)),
            ("r", serde_json::json!(1u64 << 40)),
            ("lora_alpha", serde_json::json!("strong")),
            ("lora_alpha", serde_json::json!(1e300)),
            ("lora_alpha", serde_json::json!(-1e40)),
            ("target_modules", serde_json::json!("all-linear")),
            ("target_modules", serde_json::json!([])),
            ("target_modules", serde_json::json!(["c_attn"])),
            ("target_modules", serde_json::json!(["q_proj", "q_proj"])),
        ] {
            let mut json: Value = serde_json::from_str(&config().to_json()).unwrap();
            json[field] = value;
            let error = AdapterConfig::parse(json.to_string().as_bytes()).unwrap_err();
            assert!(error.to_string().contains(&format!("`{field}`")), "{error}");
        }
        assert!(AdapterConfig::parse(b"[]").is_err());
        assert!(AdapterConfig::parse(b"{").is_err());
    }
}
