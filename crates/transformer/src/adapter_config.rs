//! `adapter_config.json` as PEFT writes it: which projections of which layers are adapted, and how strongly.
//!
//! Every field of PEFT's `LoraConfig` (0.21) is used, known to change nothing once the factors are trained, or refused by name; so are
//! fields that nobody here knows.

use fancy_regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use crate::file_kind::{is_off, json_object};
use crate::{AdapterError, Projection};

/// Shape and strength of an adapter.
#[derive(Clone, Debug, PartialEq)]
pub struct AdapterConfig {
    /// Columns of A and rows of B, PEFT's `r`.
    pub rank: usize,
    /// PEFT's `lora_alpha`: the change of a weight is `alpha / rank` times the product of its two factors.
    pub alpha: f64,
    /// The projections that are adapted, in every layer unless [`Self::rules`] says otherwise.
    pub targets: Vec<Projection>,
    /// Where the base was found when the adapter was made; for people, not checked.
    pub base: String,
    /// What a file of PEFT may ask for beyond that; nothing for adapters that are made here.
    pub rules: LoraRules,
}

/// Ranks, strengths and targets that differ by layer, as PEFT's configuration has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoraRules {
    /// Rank-stabilised LoRA (arXiv 2312.03732): the change is scaled by `alpha / sqrt(rank)`.
    rank_stabilized: bool,
    /// Ranks by regular expression over module names.
    ranks: Vec<(String, f64)>,
    /// Alphas by regular expression over module names.
    alphas: Vec<(String, f64)>,
    /// Which modules; nothing for all of `targets`.
    only: Option<Target>,
    /// Layers; nothing for all.
    layers: Option<Vec<u64>>,
    /// Modules that are left out.
    except: Option<Target>,
}

/// Modules by name: PEFT's `target_modules` and `exclude_modules`.
#[derive(Clone, Debug, PartialEq)]
enum Target {
    /// A regular expression for the whole name.
    Expression(String),
    /// Whole names, or their last parts.
    Names(Vec<String>),
}

/// One adapted projection of one layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Placement {
    /// Its layer.
    pub layer: usize,
    /// Which projection of it.
    pub target: Projection,
    /// Rank of its factors.
    pub rank: usize,
    /// Factor of their product.
    pub scale: f64,
}

/// Larger ranks than the widest projection of any Llama say nothing that a full matrix would not.
const LARGEST_RANK: u64 = 1 << 15;

/// The most layers that a base can have.
const MOST_LAYERS: usize = 1 << 10;

/// Steps of backtracking that a regular expression may take for one name.
const BACKTRACKING: usize = 10_000;

/// Longest regular expression, bytes.
const LONGEST_EXPRESSION: usize = 4096;

/// Fields that change nothing once the factors are trained.
const HARMLESS: &[&str] = &[
    "lora_dropout",
    "inference_mode",
    "auto_mapping",
    "peft_version",
    "revision",
    "megatron_core",
    "runtime_config",
    // where first factors came from; what also changes the base is refused by `init_lora_weights`
    "loftq_config",
    "eva_config",
    "corda_config",
    "lora_ga_config",
    // of variants that are switched off
    "qalora_group_size",
    "ensure_weight_tying",
];

/// Fields that are read below.
const USED: &[&str] = &[
    "peft_type",
    "task_type",
    "base_model_name_or_path",
    "r",
    "lora_alpha",
    "target_modules",
    "exclude_modules",
    "layers_to_transform",
    "layers_pattern",
    "rank_pattern",
    "alpha_pattern",
    "use_rslora",
    "bias",
    "init_lora_weights",
];

fn refuse(field: &str, found: &Value, expected: impl Into<String>) -> AdapterError {
    AdapterError::Config {
        field: field.to_owned(),
        found: found.to_string(),
        expected: expected.into(),
    }
}

impl AdapterConfig {
    /// Reads `adapter_config.json`.
    ///
    /// # Errors
    /// When it is not JSON, or asks for anything but LoRA on projections of a Llama.
    pub fn parse(json: &[u8]) -> Result<Self, AdapterError> {
        let config = json_object(json).map_err(|problem| AdapterError::Json { problem })?;
        let get = |field: &str| config.get(field).unwrap_or(&Value::Null);
        check_kind(&config)?;
        let rank =
            rank(get("r")).ok_or_else(|| refuse("r", get("r"), "a whole number from 1 up"))?;
        let alpha = get("lora_alpha").as_f64();
        let strong = || {
            let expected = "a number whose share of `r` is one of f32";
            refuse("lora_alpha", get("lora_alpha"), expected)
        };
        let alpha = alpha.ok_or_else(strong)?;
        let rank_stabilized = match get("use_rslora") {
            Value::Null => false,
            Value::Bool(flag) => *flag,
            other => return Err(refuse("use_rslora", other, "true or false")),
        };
        let (targets, only) = targets(get("target_modules"))?;
        let by_name = matches!(get("target_modules"), Value::Array(_));
        let config = Self {
            rank,
            alpha,
            targets,
            base: get("base_model_name_or_path")
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            rules: LoraRules {
                rank_stabilized,
                ranks: pattern("rank_pattern", get("rank_pattern"), |value| {
                    rank_of(value).map(|rank| rank as f64)
                })?,
                alphas: pattern("alpha_pattern", get("alpha_pattern"), Value::as_f64)?,
                only,
                layers: layers(get("layers_to_transform"), get("layers_pattern"), by_name)?,
                except: excluded(get("exclude_modules"))?,
            },
        };
        // The factors are f32, and so is what they are multiplied with.
        if !(config.scale(rank, alpha) as f32).is_finite() {
            return Err(strong());
        }
        Ok(config)
    }

    /// The text of `adapter_config.json`, as PEFT reads it. Only of adapters without [`Self::rules`].
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

    /// `alpha / rank`, or `alpha / sqrt(rank)` where rank-stabilised.
    fn scale(&self, rank: usize, alpha: f64) -> f64 {
        let rank = rank as f64;
        alpha
            / if self.rules.rank_stabilized {
                rank.sqrt()
            } else {
                rank
            }
    }

    /// What is adapted in a base of so many layers, by layer, and in each by target.
    ///
    /// # Errors
    /// When nothing is, or a rule means two things for one module.
    pub(crate) fn placements(&self, layers: usize) -> Result<Vec<Placement>, AdapterError> {
        let only = self
            .rules
            .only
            .as_ref()
            .map(|only| only.compiled("target_modules"))
            .transpose()?;
        let except = self.rules.except.as_ref();
        let except = except
            .map(|except| except.compiled("exclude_modules"))
            .transpose()?;
        let ranks = compiled_patterns("rank_pattern", &self.rules.ranks)?;
        let alphas = compiled_patterns("alpha_pattern", &self.rules.alphas)?;
        let mut placements = Vec::new();
        for layer in 0..layers {
            for &target in &self.targets {
                let module = module(layer, target);
                let is_target = match &only {
                    Some(only) => only.matches(&module)?,
                    None => true,
                };
                let skipped = match &except {
                    Some(except) => except.matches(&module)?,
                    None => false,
                };
                let exact = only.as_ref().is_some_and(|only| only.names(&module));
                let in_layers = self
                    .rules
                    .layers
                    .as_ref()
                    .is_none_or(|layers| layers.contains(&(layer as u64)));
                if !is_target || skipped || !(in_layers || exact) {
                    continue;
                }
                let rank = value_of("rank_pattern", &ranks, &module)?;
                let rank = rank.map_or(self.rank, |rank| rank as usize);
                let alpha = value_of("alpha_pattern", &alphas, &module)?.unwrap_or(self.alpha);
                let scale = self.scale(rank, alpha);
                if !(scale as f32).is_finite() {
                    let expected = "numbers whose share of the rank is one of f32";
                    return Err(refuse("alpha_pattern", &alpha.into(), expected));
                }
                placements.push(Placement {
                    layer,
                    target,
                    rank,
                    scale,
                });
            }
        }
        if placements.is_empty() {
            let expected = format!("modules of a base of {layers} layers");
            return Err(refuse("target_modules", &self.rules.described(), expected));
        }
        Ok(placements)
    }
}

impl LoraRules {
    fn described(&self) -> Value {
        match &self.only {
            Some(Target::Expression(expression)) => expression.clone().into(),
            Some(Target::Names(names)) => names.clone().into(),
            None => Value::Null,
        }
    }
}

/// PEFT's name of a projection.
pub(crate) fn module(layer: usize, target: Projection) -> String {
    format!("model.layers.{layer}.{}", target.path())
}

/// A whole number from 1 up, `4.0` too.
fn rank_of(value: &Value) -> Option<u64> {
    let whole = value
        .as_f64()
        .filter(|rank| rank.fract() == 0.0 && *rank >= 1.0);
    let rank = value.as_u64().or(whole.map(|rank| rank as u64));
    rank.filter(|rank| (1..=LARGEST_RANK).contains(rank))
}

fn rank(value: &Value) -> Option<usize> {
    rank_of(value).map(|rank| rank as usize)
}

/// Everything that would be computed otherwise must be off.
fn check_kind(config: &Map<String, Value>) -> Result<(), AdapterError> {
    let get = |field: &str| config.get(field).unwrap_or(&Value::Null);
    if get("peft_type") != "LORA" {
        return Err(refuse("peft_type", get("peft_type"), "\"LORA\""));
    }
    if !(get("task_type").is_null() || get("task_type") == "CAUSAL_LM") {
        return Err(refuse("task_type", get("task_type"), "\"CAUSAL_LM\""));
    }
    if !(get("bias").is_null() || get("bias") == "none") {
        return Err(refuse("bias", get("bias"), "\"none\""));
    }
    // The others also change the weights of the base when PEFT loads them.
    let first = get("init_lora_weights");
    let plain = ["gaussian", "eva", "orthogonal"];
    if !(first.is_null() || first.is_boolean() || plain.iter().any(|plain| first == plain)) {
        let expected = "true, false, \"gaussian\", \"eva\" or \"orthogonal\" (others change the base's weights too: convert the \
                        adapter to plain LoRA with PEFT's `path_initial_model_for_weight_conversion`)";
        return Err(refuse("init_lora_weights", first, expected));
    }
    for (field, value) in config {
        let known = USED.contains(&field.as_str()) || HARMLESS.contains(&field.as_str());
        if !known && !is_off(value) {
            return Err(refuse(field, value, "nothing (plain LoRA)"));
        }
    }
    Ok(())
}

/// The projections that are adapted in some layer, and which modules of them, if not all.
fn targets(found: &Value) -> Result<(Vec<Projection>, Option<Target>), AdapterError> {
    let names = Projection::ALL.map(Projection::name).join(", ");
    let wrong = || {
        let expected = format!(
            "a list of some of {names}, each once, or of their full names, or a regular expression for full names"
        );
        refuse("target_modules", found, expected)
    };
    if let Value::String(expression) = found {
        let only = Target::Expression(expression.clone());
        let compiled = only.compiled("target_modules")?;
        for other in ["lm_head", "model.embed_tokens", "model.norm", "model"] {
            if compiled.matches(other)? {
                return Err(wrong());
            }
        }
        let mut targets = Vec::new();
        for target in Projection::ALL {
            for layer in 0..MOST_LAYERS {
                if compiled.matches(&module(layer, target))? {
                    targets.push(target);
                    break;
                }
            }
        }
        return if targets.is_empty() {
            Err(wrong())
        } else {
            Ok((targets, Some(only)))
        };
    }
    let listed = found.as_array().filter(|list| !list.is_empty());
    let (mut targets, mut listed_names, mut plain) = (Vec::new(), Vec::new(), true);
    for name in listed.ok_or_else(wrong)? {
        let name = name.as_str().ok_or_else(wrong)?.to_owned();
        let target = Projection::ALL
            .into_iter()
            .find(|target| name == target.name() || name.ends_with(&format!(".{}", target.name())));
        let target = target.ok_or_else(wrong)?;
        if listed_names.contains(&name) {
            return Err(wrong());
        }
        plain &= name == target.name();
        if !targets.contains(&target) {
            targets.push(target);
        }
        listed_names.push(name);
    }
    Ok((targets, (!plain).then_some(Target::Names(listed_names))))
}

fn excluded(found: &Value) -> Result<Option<Target>, AdapterError> {
    match found {
        found if is_off(found) => Ok(None),
        Value::String(expression) => Ok(Some(Target::Expression(expression.clone()))),
        Value::Array(list) => {
            let names = list.iter().map(|name| name.as_str().map(str::to_owned));
            let names: Option<Vec<String>> = names.collect();
            let wrong = || refuse("exclude_modules", found, "a list of names");
            Ok(Some(Target::Names(names.ok_or_else(wrong)?)))
        }
        _ => Err(refuse(
            "exclude_modules",
            found,
            "a list of names, or a regular expression",
        )),
    }
}

/// `layers_to_transform`, which PEFT allows beside lists of names alone.
fn layers(found: &Value, pattern: &Value, by_name: bool) -> Result<Option<Vec<u64>>, AdapterError> {
    let plain =
        is_off(pattern) || *pattern == "layers" || *pattern == serde_json::json!(["layers"]);
    if !plain {
        return Err(refuse("layers_pattern", pattern, "null or \"layers\""));
    }
    if found.is_null() || found.as_array().is_some_and(Vec::is_empty) {
        return Ok(None);
    }
    if !by_name {
        return Err(refuse(
            "layers_to_transform",
            found,
            "null beside a regular expression",
        ));
    }
    let list = found
        .as_array()
        .map_or(std::slice::from_ref(found), Vec::as_slice);
    let layers: Option<Vec<u64>> = list.iter().map(Value::as_u64).collect();
    let wrong = || refuse("layers_to_transform", found, "numbers of layers");
    layers.map(Some).ok_or_else(wrong)
}

/// `rank_pattern` or `alpha_pattern`.
fn pattern(
    field: &'static str,
    found: &Value,
    number: impl Fn(&Value) -> Option<f64>,
) -> Result<Vec<(String, f64)>, AdapterError> {
    if is_off(found) {
        return Ok(Vec::new());
    }
    let expected = "regular expressions for module names, with a number for each";
    let fields = found
        .as_object()
        .ok_or_else(|| refuse(field, found, expected))?;
    fields
        .iter()
        .map(|(key, value)| {
            let value = number(value).ok_or_else(|| refuse(field, found, expected))?;
            Ok((key.clone(), value))
        })
        .collect()
}

fn expression(field: &str, text: &str, whole: &str) -> Result<Regex, AdapterError> {
    let wrong = |problem: String| {
        let expected = format!("a regular expression that is understood here ({problem})");
        refuse(field, &text.into(), expected)
    };
    if text.len() > LONGEST_EXPRESSION {
        return Err(wrong(format!("of at most {LONGEST_EXPRESSION} bytes")));
    }
    RegexBuilder::new(whole)
        .backtrack_limit(BACKTRACKING)
        .delegate_size_limit(1 << 20)
        .build()
        .map_err(|error| wrong(error.to_string()))
}

/// Every expression as PEFT's `get_pattern_key` takes it: for a whole name, or for its last parts.
fn compiled_patterns(
    field: &'static str,
    patterns: &[(String, f64)],
) -> Result<Vec<(Compiled, f64)>, AdapterError> {
    let compile = |(text, value): &(String, f64)| {
        let regex = expression(field, text, &format!(r"\A(.*\.)?({text})\z"))?;
        let compiled = Compiled::Expression(field, text.clone(), Box::new(regex));
        Ok((compiled, *value))
    };
    patterns.iter().map(compile).collect()
}

/// The value that the patterns give a module. PEFT takes the first pattern in the file's order, which is not kept here: where
/// several match, they must agree.
fn value_of(
    field: &'static str,
    patterns: &[(Compiled, f64)],
    module: &str,
) -> Result<Option<f64>, AdapterError> {
    let mut found = None;
    for (pattern, value) in patterns {
        if pattern.matches(module)? {
            if found.is_some_and(|found| found != *value) {
                let expected = "one value for each module";
                return Err(refuse(
                    field,
                    &format!("two values for {module}").into(),
                    expected,
                ));
            }
            found = Some(*value);
        }
    }
    Ok(found)
}

/// A [`Target`] that is ready to match.
enum Compiled {
    Expression(&'static str, String, Box<Regex>),
    Names(Vec<String>),
}

impl Target {
    fn compiled(&self, field: &'static str) -> Result<Compiled, AdapterError> {
        Ok(match self {
            Self::Expression(text) => {
                let regex = expression(field, text, &format!(r"\A(?:{text})\z"))?;
                Compiled::Expression(field, text.clone(), Box::new(regex))
            }
            Self::Names(names) => Compiled::Names(names.clone()),
        })
    }
}

impl Compiled {
    fn matches(&self, module: &str) -> Result<bool, AdapterError> {
        match self {
            Self::Expression(field, text, regex) => regex.is_match(module).map_err(|error| {
                let expected =
                    format!("a regular expression that is matched in few steps ({error})");
                refuse(field, &text.as_str().into(), expected)
            }),
            Self::Names(names) => Ok(names.iter().any(|name| {
                let before = module.strip_suffix(name.as_str());
                before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
            })),
        }
    }

    /// Whether a list holds the whole name: PEFT then asks for no layer.
    fn names(&self, module: &str) -> bool {
        match self {
            Self::Expression(..) => false,
            Self::Names(names) => names.iter().any(|name| name == module),
        }
    }
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
            rules: LoraRules::default(),
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
            ("rank_pattern", serde_json::json!({"q_proj": "four"})),
            ("alpha_pattern", serde_json::json!([1])),
            ("init_lora_weights", serde_json::json!("pissa")),
            ("unheard_of", serde_json::json!(1)),
            ("layers_pattern", serde_json::json!("blocks")),
            ("target_modules", serde_json::json!(".*")),
            ("target_modules", serde_json::json!("(")),
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

    fn placed(changes: &Value) -> Result<Vec<(usize, Projection, usize, f64)>, AdapterError> {
        let mut json: Value = serde_json::from_str(&config().to_json()).unwrap();
        for (field, value) in changes.as_object().unwrap() {
            json[field] = value.clone();
        }
        let placements = AdapterConfig::parse(json.to_string().as_bytes())?.placements(2)?;
        let plain = |p: Placement| (p.layer, p.target, p.rank, p.scale);
        Ok(placements.into_iter().map(plain).collect())
    }

    #[test]
    fn spellings_of_the_same_targets_mean_the_same() {
        let plain = placed(&serde_json::json!({})).unwrap();
        assert_eq!(plain.len(), 4);
        let full: Vec<String> = [0, 1]
            .into_iter()
            .flat_map(|layer| {
                ["self_attn.q_proj", "mlp.down_proj"]
                    .map(|path| format!("model.layers.{layer}.{path}"))
            })
            .collect();
        for same in [
            serde_json::json!({"target_modules": full}),
            serde_json::json!({"target_modules": r".*\.(self_attn\.q|mlp\.down)_proj"}),
            serde_json::json!({"target_modules": ["self_attn.q_proj", "down_proj"], "r": 8.0}),
            serde_json::json!({"layers_to_transform": [0, 1], "layers_pattern": "layers"}),
            serde_json::json!({"target_modules": ["q_proj", "v_proj", "down_proj"], "exclude_modules": ["v_proj"]}),
        ] {
            assert_eq!(placed(&same).unwrap(), plain, "{same}");
        }
    }

    #[test]
    fn ranks_and_strengths_by_layer_are_those_of_peft() {
        let found = placed(&serde_json::json!({
            "use_rslora": true, "rank_pattern": {"layers.0.self_attn.q_proj": 4, "^down_proj": 99},
            "alpha_pattern": {"down_proj": 32},
        }));
        let root = 8f64.sqrt();
        let expected = [
            (0, Projection::Query, 4, 16.0 / 2.0),
            (0, Projection::Down, 8, 32.0 / root),
            (1, Projection::Query, 8, 16.0 / root),
            (1, Projection::Down, 8, 32.0 / root),
        ];
        assert_eq!(found.unwrap(), expected);
        let one = placed(&serde_json::json!({"layers_to_transform": 1})).unwrap();
        assert_eq!(one.iter().map(|place| place.0).collect::<Vec<_>>(), [1, 1]);
        assert!(placed(&serde_json::json!({"layers_to_transform": 7})).is_err());
        let torn =
            placed(&serde_json::json!({"rank_pattern": {"q_proj": 2, "self_attn.q_proj": 3}}));
        assert!(torn.unwrap_err().to_string().contains("rank_pattern"));
    }
}
