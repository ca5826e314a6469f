//! LoRA (Hu et al., arXiv 2106.09685): a tuned model as a small change of a frozen base, in PEFT's files.
//!
//! An adapted weight is `W + scale * A B`, with `A` of `[in, r]`, `B` of `[r, out]`, and a scale of `alpha / r` (rank-stabilised:
//! `alpha / sqrt(r)`). There is one way to use an adapter:
//! [`Adapter::merge`] gives the network with the changed weights. While tuning, `A` and `B` are tracked by autodiff and the
//! base is not, so gradients pass through the merged weights into the factors alone. The product costs as much as a few dozen
//! tokens, so computing `(x A) B` beside `x W` would save little, and would need a second kind of layer.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use decoding::coin;
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;

use crate::adapter_config::{Placement, module};
use crate::safetensors_file::{damage, plain_name};
use crate::weights::{NamedTensor, floats, transposed};
use crate::{AdapterConfig, AdapterError, Llama, LlamaConfig, LlamaModel};

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

/// The two low-rank factors of one projection of one layer.
#[derive(Module, Debug)]
struct Factors {
    #[module(skip)]
    place: Placement,
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
    ///
    /// # Panics
    /// When the targets of `config` are a rule over names, which an adapter that is made here has not.
    pub fn fresh(config: AdapterConfig, base: &LlamaConfig, seed: u64, device: &Device) -> Self {
        let places = config.placements(base.num_hidden_layers);
        let places = places.expect("an adapter that is made here has targets and no rules");
        let factors = places
            .into_iter()
            .zip(0..)
            .map(|(place, matrix)| {
                let rank = place.rank;
                let (from, to) = place.target.widths(base);
                let bound = 1.0 / (from as f64).sqrt();
                let values: Vec<f32> = (0..(from * rank) as u32)
                    .map(|element| {
                        (bound * (2.0 * coin(seed, matrix, element).value() - 1.0)) as f32
                    })
                    .collect();
                Factors {
                    place,
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
            problem: damage(&files.weights, &error),
        };
        let (_, metadata) = SafeTensors::read_metadata(&files.weights).map_err(damaged)?;
        let notes = metadata.metadata().as_ref();
        let made_for = notes.and_then(|notes| notes.get(BASE_KEY));
        let file = SafeTensors::deserialize(&files.weights).map_err(damaged)?;

        let layers = base.config().num_hidden_layers;
        let mut tensors = Tensors::new(&file, layers)?;
        let mut factors = Vec::new();
        for place in config.placements(layers)? {
            let (from, to) = place.target.widths(base.config());
            let rank = place.rank;
            let [a, b] = names(place);
            let rows = tensors.take(&a, [rank, from], 0)?;
            let columns = tensors.take(&b, [to, rank], 1)?;
            factors.push(Factors {
                place,
                a: leaf(transposed(&rows, from), [from, rank], base.device()),
                b: leaf(transposed(&columns, rank), [rank, to], base.device()),
            });
        }
        tensors.nothing_left()?;
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

    /// The base with its weights changed: `W + scale * A B`, the scale of each projection its own. Tracked where the factors are.
    ///
    /// # Panics
    /// When the base has other sizes than the one that the adapter was made or loaded for.
    pub fn merge(&self, base: &Llama) -> Llama {
        let mut merged = base.clone();
        for Factors { place, a, b } in &self.factors {
            let block = &mut merged.blocks[place.layer];
            let weight = &mut place.target.of(block).weight;
            let change = a.val().matmul(b.val()) * place.scale; // [in, out]
            *weight = Param::initialized(weight.id, weight.val() + change);
        }
        merged
    }

    /// All factors in PEFT's names and layout.
    pub fn named_tensors(&self) -> Vec<NamedTensor> {
        let named = |Factors { place, a, b }: &Factors| {
            let [name_a, name_b] = names(*place);
            [
                NamedTensor::Matrix(name_a, a.val().transpose()),
                NamedTensor::Matrix(name_b, b.val().transpose()),
            ]
        };
        self.factors.iter().flat_map(named).collect()
    }
}

fn leaf(values: Vec<f32>, shape: [usize; 2], device: &Device) -> Param<Tensor<2>> {
    Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device))
}

/// PEFT's names of the two factors; the file holds A as `[rank, in]` and B as `[out, rank]`.
fn names(place: Placement) -> [String; 2] {
    let module = module(place.layer, place.target);
    ["A", "B"].map(|factor| format!("{PREFIX}{module}.lora_{factor}.weight"))
}

/// What PEFT puts before a module's name in the base.
const PREFIX: &str = "base_model.model.";

/// The tensors of a file by PEFT's names, as far as they are not yet taken.
struct Tensors<'a> {
    by_name: BTreeMap<String, (String, TensorView<'a>)>,
    layers: usize,
}

impl<'a> Tensors<'a> {
    /// Also under names that mean the same: of a state dict (`lora_A.default.weight`), of a compiled model (`_orig_mod.`), or
    /// without PEFT's prefix.
    fn new(file: &'a SafeTensors<'_>, layers: usize) -> Result<Self, AdapterError> {
        let mut by_name = BTreeMap::new();
        for (own, view) in file.tensors() {
            let name = plain_name(&own)
                .replace(".lora_A.default.", ".lora_A.")
                .replace(".lora_B.default.", ".lora_B.");
            let name = if name.starts_with(PREFIX) {
                name
            } else {
                format!("{PREFIX}{name}")
            };
            if by_name.insert(name, (own.clone(), view)).is_some() {
                return Err(AdapterError::UnexpectedTensor {
                    tensor: own,
                    layers,
                });
            }
        }
        Ok(Self { by_name, layers })
    }

    /// The values of a matrix whose side number `rank_side` is the rank.
    fn take(
        &mut self,
        name: &str,
        shape: [usize; 2],
        rank_side: usize,
    ) -> Result<Vec<f32>, AdapterError> {
        let found = self.by_name.remove(name);
        let (name, view) = found.ok_or_else(|| AdapterError::MissingTensor {
            tensor: name.to_owned(),
        })?;
        read(&name, &view, shape, rank_side)
    }

    fn nothing_left(self) -> Result<(), AdapterError> {
        match self.by_name.into_values().next() {
            None => Ok(()),
            Some((tensor, _)) => Err(AdapterError::UnexpectedTensor {
                tensor,
                layers: self.layers,
            }),
        }
    }
}

fn read(
    name: &str,
    view: &TensorView<'_>,
    shape: [usize; 2],
    rank_side: usize,
) -> Result<Vec<f32>, AdapterError> {
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
    let values = floats(view).ok_or_else(|| {
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
