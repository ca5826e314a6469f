//! LoRA (Hu et al., arXiv 2106.09685): a tuned model as a small change of a frozen base, in PEFT's files.
//!
//! An adapted weight is `W + alpha / r * A B`, with `A` of `[in, r]` and `B` of `[r, out]`. There is one way to use an adapter:
//! [`Adapter::merge`] gives the network with the changed weights. While tuning, `A` and `B` are tracked by autodiff and the
//! base is not, so gradients pass through the merged weights into the factors alone. The product costs as much as a few dozen
//! tokens, so computing `(x A) B` beside `x W` would save little, and would need a second kind of layer.

use std::path::Path;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use decoding::coin;
use safetensors::SafeTensors;

use crate::weights::{NamedTensor, floats, transposed};
use crate::{AdapterConfig, AdapterError, Llama, LlamaConfig, LlamaModel, Projection};

/// The two files' bytes, from a disk or over the network.
pub struct AdapterFiles {
    /// `adapter_config.json`
    pub config: Vec<u8>,
    /// `adapter_model.safetensors`
    pub weights: Vec<u8>,
}

/// All factors of an adapter, on a device.
#[derive(Module, Debug)]
pub struct Adapter {
    /// By block, and in each block by target.
    factors: Vec<Factors>,
    #[module(skip)]
    config: AdapterConfig,
}

/// The two low-rank factors of one projection.
#[derive(Module, Debug)]
struct Factors {
    /// `[in, rank]`
    a: Param<Tensor<2>>,
    /// `[rank, out]`
    b: Param<Tensor<2>>,
}

/// Metadata key of the base's fingerprint; PEFT ignores it.
pub const BASE_KEY: &str = "base_fingerprint";

impl AdapterFiles {
    /// Reads the two files from a folder.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn load_from_dir(folder: &Path) -> Result<Self, AdapterError> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).map_err(|source| AdapterError::Read {
                path: path.display().to_string(),
                source,
            })
        };
        Ok(Self {
            config: read("adapter_config.json")?,
            weights: read("adapter_model.safetensors")?,
        })
    }
}

impl Adapter {
    /// An adapter that changes nothing yet: `B` is zero, `A` uniform in `±1 / sqrt(in)` as in PEFT, from
    /// `coin(seed, matrix, element)`.
    pub fn fresh(config: AdapterConfig, base: &LlamaConfig, seed: u64, device: &Device) -> Self {
        let rank = config.rank;
        let places = (0..base.num_hidden_layers).flat_map(|_| &config.targets);
        let factors = places
            .zip(0..)
            .map(|(target, matrix)| {
                let (from, to) = target.widths(base);
                let bound = 1.0 / (from as f64).sqrt();
                let values: Vec<f32> = (0..(from * rank) as u32)
                    .map(|element| {
                        (bound * (2.0 * coin(seed, matrix, element).value() - 1.0)) as f32
                    })
                    .collect();
                Factors {
                    a: leaf(values, [from, rank], device),
                    b: leaf(vec![0.0; rank * to], [rank, to], device),
                }
            })
            .collect();
        Self { factors, config }
    }

    /// Loads an adapter that was tuned on this base.
    ///
    /// # Errors
    /// When a file is damaged, is no plain LoRA, or belongs to another base.
    pub fn load(files: &AdapterFiles, base: &LlamaModel) -> Result<Self, AdapterError> {
        let config = AdapterConfig::parse(&files.config)?;
        let damaged = |error: safetensors::SafeTensorError| AdapterError::Damaged {
            problem: error.to_string(),
        };
        let (_, metadata) = SafeTensors::read_metadata(&files.weights).map_err(damaged)?;
        let notes = metadata.metadata().as_ref();
        let made_for = notes.and_then(|notes| notes.get(BASE_KEY));
        let file = SafeTensors::deserialize(&files.weights).map_err(damaged)?;

        let mut expected = Vec::new();
        let mut factors = Vec::new();
        for layer in 0..base.config().num_hidden_layers {
            for &target in &config.targets {
                let (from, to) = target.widths(base.config());
                let [a, b] = names(layer, target);
                let rows = read(&file, &a, [config.rank, from], 0)?;
                let columns = read(&file, &b, [to, config.rank], 1)?;
                factors.push(Factors {
                    a: leaf(transposed(&rows, from), [from, config.rank], base.device()),
                    b: leaf(
                        transposed(&columns, config.rank),
                        [config.rank, to],
                        base.device(),
                    ),
                });
                expected.extend([a, b]);
            }
        }
        if let Some(extra) = file
            .names()
            .into_iter()
            .find(|name| !expected.iter().any(|expected| expected == name))
        {
            return Err(AdapterError::UnexpectedTensor {
                tensor: extra.to_owned(),
                layers: base.config().num_hidden_layers,
            });
        }
        // Last, so that what can be said more exactly is said first.
        match (made_for, base.fingerprint()) {
            (Some(made_for), Some(found)) if made_for != found => Err(AdapterError::OtherBase {
                made_for: made_for.clone(),
                found: found.to_owned(),
            }),
            _ => Ok(Self { factors, config }),
        }
    }

    /// Shape and strength.
    pub fn config(&self) -> &AdapterConfig {
        &self.config
    }

    /// The base with its weights changed: `W + alpha / r * A B`. Tracked where the factors are.
    ///
    /// # Panics
    /// When the base has other sizes than the one that the adapter was made or loaded for.
    pub fn merge(&self, base: &Llama) -> Llama {
        let scale = self.config.alpha / self.config.rank as f64;
        let mut merged = base.clone();
        let mut factors = self.factors.iter();
        for block in &mut merged.blocks {
            for (target, Factors { a, b }) in self.config.targets.iter().zip(&mut factors) {
                let weight = &mut target.of(block).weight;
                let change = a.val().matmul(b.val()) * scale; // [in, out]
                *weight = Param::initialized(weight.id, weight.val() + change);
            }
        }
        merged
    }

    /// All factors in PEFT's names and layout.
    pub fn named_tensors(&self) -> Vec<NamedTensor> {
        let targets = self.config.targets.len();
        let places = self.factors.iter().enumerate();
        places
            .flat_map(|(place, Factors { a, b })| {
                let [name_a, name_b] = names(place / targets, self.config.targets[place % targets]);
                [
                    NamedTensor::Matrix(name_a, a.val().transpose()),
                    NamedTensor::Matrix(name_b, b.val().transpose()),
                ]
            })
            .collect()
    }
}

fn leaf(values: Vec<f32>, shape: [usize; 2], device: &Device) -> Param<Tensor<2>> {
    Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device))
}

/// PEFT's names of the two factors; the file holds A as `[rank, in]` and B as `[out, rank]`.
fn names(layer: usize, target: Projection) -> [String; 2] {
    let path = target.path();
    ["A", "B"]
        .map(|factor| format!("base_model.model.model.layers.{layer}.{path}.lora_{factor}.weight"))
}

/// The values of a matrix whose side number `rank_side` is the rank.
fn read(
    file: &SafeTensors<'_>,
    name: &str,
    shape: [usize; 2],
    rank_side: usize,
) -> Result<Vec<f32>, AdapterError> {
    let view = file.tensor(name).map_err(|_| AdapterError::MissingTensor {
        tensor: name.to_owned(),
    })?;
    let wrong = |found: String, expected: String, remedy: &'static str| AdapterError::WrongTensor {
        tensor: name.to_owned(),
        found,
        expected,
        remedy,
    };
    if view.shape() != shape {
        let rank_differs = view.shape().get(rank_side) != shape.get(rank_side);
        let remedy = if rank_differs {
            "its rank is not the `r` of adapter_config.json: fetch or save both files of one adapter again"
        } else {
            "it was made for a base of other sizes: choose the adapter's own base"
        };
        let (found, expected) = (format!("{:?}", view.shape()), format!("{shape:?}"));
        return Err(wrong(found, expected, remedy));
    }
    let values = floats(&view).ok_or_else(|| {
        let expected = "F32, F16 or BF16".to_owned();
        wrong(
            format!("{:?}", view.dtype()),
            expected,
            "save the adapter again in one of these",
        )
    })?;
    let count = values.iter().filter(|value| !value.is_finite()).count();
    if count > 0 {
        return Err(AdapterError::NotFinite {
            tensor: name.to_owned(),
            count,
        });
    }
    Ok(values)
}
