//! What can be wrong with a model's or an adapter's folder, said so that the reader knows which file to mend and how.

use thiserror::Error;

/// A model that could not be loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    /// A file could not be read.
    #[error(
        "cannot read {path}: {source}; choose a folder with config.json, tokenizer.json and model.safetensors"
    )]
    Read {
        /// Which file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A folder has weights in another format alone.
    #[error(
        "{folder} has no model.safetensors, but {found}: load the model in `transformers` and save it with `save_pretrained`, which \
         writes safetensors"
    )]
    OtherFormat {
        /// Which folder.
        folder: String,
        /// The file that it has.
        found: String,
    },
    /// A file is not the JSON that it should be.
    #[error(
        "{file} is not what was expected: {problem}; save the model again with `transformers`, or fetch it again"
    )]
    Json {
        /// Which file.
        file: &'static str,
        /// Where and what.
        problem: String,
    },
    /// A field is absent.
    #[error(
        "{file} ({lines} lines) has no `{field}`, which every Llama has; save the model again with `transformers`, or fetch it again"
    )]
    MissingField {
        /// Which file.
        file: &'static str,
        /// Which field.
        field: &'static str,
        /// Length of the file.
        lines: usize,
    },
    /// A field has another type.
    #[error(
        "{file}: `{field}` is {found}, expected {expected}; save the model again with `transformers`, or fetch it again"
    )]
    FieldType {
        /// Which file.
        file: &'static str,
        /// Which field.
        field: String,
        /// What it says.
        found: String,
        /// What would do.
        expected: String,
    },
    /// A file asks for something that is not computed here.
    #[error(
        "{file}: `{field}` is {found}, expected {expected}; only plain Llama models open here: choose one"
    )]
    Config {
        /// Which file.
        file: &'static str,
        /// Which field.
        field: String,
        /// What it says.
        found: String,
        /// What would do.
        expected: String,
    },
    /// `model.safetensors` is damaged.
    #[error("model.safetensors is damaged ({problem}); fetch or export it again")]
    Damaged {
        /// What is wrong with it.
        problem: String,
    },
    /// A tensor is absent.
    #[error(
        "model.safetensors has no tensor `{tensor}`, which config.json asks for{hint}; fetch or export both files of one model again"
    )]
    MissingTensor {
        /// Its name.
        tensor: String,
        /// What its tensors are called instead; may be empty.
        hint: String,
    },
    /// A tensor belongs to a part that plain Llamas do not have.
    #[error(
        "model.safetensors holds `{tensor}`, which config.json does not ask for and a plain Llama of this size does not have: the \
         model computes something else; choose a plain Llama, or export both files of one model again"
    )]
    UnexpectedTensor {
        /// Its name.
        tensor: String,
    },
    /// A tensor has another shape or type.
    #[error("model.safetensors: `{tensor}` is {found}, expected {expected}; {remedy}")]
    WrongTensor {
        /// Its name.
        tensor: String,
        /// What the file has.
        found: String,
        /// What config.json asks for, or which types are read.
        expected: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A weight is not a number.
    #[error(
        "model.safetensors: `{tensor}` holds {count} values that are not finite: the training run diverged or the file is damaged; \
         fetch or export it again, or take an earlier checkpoint of the run"
    )]
    NotFinite {
        /// Its name.
        tensor: String,
        /// How many NaN or infinite values.
        count: usize,
    },
    /// `tokenizer.json` asks for what the tokenizers of Llama-type models do not do.
    #[error(
        "tokenizer.json: `{part}` has {found}, expected {expected}; only BPE tokenizers of the kinds that Llama-type models have \
         open here: save the tokenizer again as one of these, or choose another model"
    )]
    OtherTokenizer {
        /// Which part of the file.
        part: &'static str,
        /// What it has.
        found: String,
        /// What would do.
        expected: String,
    },
    /// `tokenizer.json` cannot be used.
    #[error("tokenizer.json: {problem}; save the tokenizer again with the model")]
    Tokenizer {
        /// What is wrong with it.
        problem: String,
    },
}

/// An adapter that could not be loaded.
#[derive(Debug, Error)]
pub enum AdapterError {
    /// A file could not be read.
    #[error(
        "cannot read {path}: {source}; choose a folder with adapter_config.json and adapter_model.safetensors"
    )]
    Read {
        /// Which file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// `adapter_config.json` is no JSON.
    #[error(
        "adapter_config.json is not what was expected: {problem}; save the adapter again, or fetch it again"
    )]
    Json {
        /// Where and what.
        problem: String,
    },
    /// `adapter_config.json` asks for something that is not computed here.
    #[error(
        "adapter_config.json: `{field}` is {found}, expected {expected}; only plain LoRA on the projections of a Llama opens \
         here: choose such an adapter"
    )]
    Config {
        /// Which field.
        field: String,
        /// What it says.
        found: String,
        /// What would do.
        expected: String,
    },
    /// `adapter_model.safetensors` is damaged.
    #[error("adapter_model.safetensors is damaged ({problem}); fetch or save it again")]
    Damaged {
        /// What is wrong with it.
        problem: String,
    },
    /// A tensor is absent.
    #[error(
        "adapter_model.safetensors has no tensor `{tensor}`: the base has this layer and adapter_config.json adapts it; choose the \
         adapter's own base, or save both files of the adapter again"
    )]
    MissingTensor {
        /// Its name.
        tensor: String,
    },
    /// A tensor is not the base's, or not among the targets.
    #[error(
        "adapter_model.safetensors holds `{tensor}`, which is no target of adapter_config.json in a base of {layers} layers; \
         choose the adapter's own base, or save both files of the adapter again with PEFT's `save_pretrained`"
    )]
    UnexpectedTensor {
        /// Its name.
        tensor: String,
        /// Layers of the base.
        layers: usize,
    },
    /// A tensor has another shape or type.
    #[error("adapter_model.safetensors: `{tensor}` is {found}, expected {expected}; {remedy}")]
    WrongTensor {
        /// Its name.
        tensor: String,
        /// What the file has.
        found: String,
        /// What config and base ask for.
        expected: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A factor is not a number.
    #[error(
        "adapter_model.safetensors: `{tensor}` holds {count} values that are not finite: the tuning diverged or the file is damaged; \
         fetch or save it again, or take an earlier step of the tuning"
    )]
    NotFinite {
        /// Its name.
        tensor: String,
        /// How many NaN or infinite values.
        count: usize,
    },
    /// The adapter was tuned on other weights of the same sizes.
    #[error(
        "the adapter was tuned on a base of fingerprint {made_for}, this base has {found}: same sizes, other weights; choose the \
         adapter's own base, or tune it again on this one"
    )]
    OtherBase {
        /// The base that it was tuned on.
        made_for: String,
        /// The base at hand.
        found: String,
    },
}
