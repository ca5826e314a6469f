//! Pretraining: the gradient is that of the loss, the loss falls, and a run in two sessions equals the run in one.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(
    clippy::disallowed_methods,
    reason = "tests run natively, where waiting for a device is allowed"
)]

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use burn::module::{Module as _, Param};
use burn::optim::AdamWConfig;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use decoding::coin;
use tempfile::TempDir;
use tests::tiny;
use training::Control;
use training::TrainingError;
use training::checkpoint::{self, Progress};
use training::loss::cross_entropy;
use training::pretrain::{RunPaths, pretrain};
use training::recipe::{BatchShape, FactShare, ModelSize, OptimizerRecipe, Recipe, WorldShare};
use training::schedule::{Decay, DecayShape};
use transformer::{Llama, NamedTensor, Rotary};

fn recipe() -> Recipe {
    Recipe {
        seed: 1,
        tokens: None,
        start: None,
        model: ModelSize {
            vocabulary: 320,
            width: 32,
            inner: 48,
            layers: 2,
            heads: 4,
            key_value_heads: 2,
            context: 64,
            dropout: 0.1,
        },
        world: WorldShare {
            seed: 1,
            stories: 60,
        },
        facts: Some(FactShare {
            seed: 1,
            documents: 40,
            requests: 4,
        }),
        export: None,
        texts: Vec::new(),
        batches: BatchShape {
            tokens: 256,
            pool: 16,
            shards: 2,
        },
        optimizer: OptimizerRecipe {
            learning_rate: 1e-2,
            last_learning_rate: 1e-3,
            warm_up_steps: 5,
            decay: None,
            beta_1: 0.9,
            beta_2: 0.99,
            epsilon: 1e-8,
            weight_decay: 0.05,
            clip_norm: 1.0,
        },
    }
}

/// burn has one generator of random numbers for the whole process; fresh weights come from it.
static GENERATOR: Mutex<()> = Mutex::new(());

/// Trains in one folder until a step or the end; returns the loss of every step of the session.
fn sit(folder: &Path, pause_at: Option<usize>) -> Vec<f64> {
    train(&recipe(), folder, pause_at).unwrap()
}

fn train(
    recipe: &Recipe,
    folder: &Path,
    pause_at: Option<usize>,
) -> Result<Vec<f64>, TrainingError> {
    let run = folder.join("run");
    let paths = RunPaths {
        model: folder,
        texts: None,
        run: &run,
    };
    let mut losses = Vec::new();
    let _alone = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    pretrain(recipe, &paths, &Device::flex(), |report| {
        losses.push(report.loss);
        if Some(report.step) == pause_at {
            Control::Pause
        } else {
            Control::Continue
        }
    })?;
    Ok(losses)
}

/// The weights of a folder's checkpoint, all digits of them.
fn weights(folder: &Path) -> Vec<Vec<f32>> {
    let folder = folder.join("run/checkpoint");
    let progress: Progress =
        serde_json::from_slice(&std::fs::read(folder.join("progress.json")).unwrap()).unwrap();
    let device = Device::flex().autodiff();
    let fresh = recipe().config().init(0.1, &device);
    let (model, _, resumed) =
        checkpoint::load(&folder, &progress.recipe, fresh, AdamWConfig::new().init()).unwrap();
    assert_eq!(resumed, Some(progress));
    let values = |tensor| match tensor {
        NamedTensor::Vector(_, values) => values.into_data(),
        NamedTensor::Matrix(_, values) => values.into_data(),
    };
    let tensors = model.named_tensors().into_iter();
    tensors
        .map(|tensor| values(tensor).iter::<f32>().collect())
        .collect()
}

#[test]
fn a_short_run_lowers_the_loss() {
    let folder = TempDir::new().unwrap();
    let losses = sit(folder.path(), None);
    assert!(losses.len() >= 30, "{} steps", losses.len());
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    let (first, last) = (mean(&losses[..5]), mean(&losses[losses.len() - 5..]));
    // Fresh weights know nothing: ln 320 nats.
    assert!((first - 320_f64.ln()).abs() < 0.5, "{first}");
    assert!(last < first - 1.0, "from {first} to {last}");
}

#[test]
fn a_run_in_two_sessions_gives_the_weights_of_a_run_in_one() {
    let [whole, parted] = [(); 2].map(|()| TempDir::new().unwrap());
    let losses = sit(whole.path(), None);
    let first = sit(parted.path(), Some(11));
    assert_eq!(first.len(), 11);
    let second = sit(parted.path(), None);
    assert_eq!([first, second].concat(), losses);
    assert_eq!(weights(parted.path()), weights(whole.path()));
    let log = |folder: &Path| {
        let text = std::fs::read_to_string(folder.join("training-log.jsonl")).unwrap();
        text.lines()
            .map(|line| {
                let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
                line["seconds"].take();
                line
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(log(parted.path()), log(whole.path()));
}

#[test]
fn a_run_on_its_plateau_is_extended_and_an_interrupted_checkpoint_does_no_harm() {
    let budget = |tokens| {
        let mut recipe = recipe();
        recipe.tokens = Some(tokens);
        recipe.model.dropout = 0.0;
        recipe.optimizer.decay = Some(Decay {
            shape: DecayShape::Linear,
            share: 0.2,
        });
        recipe
    };
    let (short, long) = (budget(9_000), budget(14_000));
    let [whole, parted] = [(); 2].map(|()| TempDir::new().unwrap());
    let losses = train(&long, whole.path(), None).unwrap();
    let first = train(&short, parted.path(), Some(13)).unwrap();
    // What is left where a run ends between the renames of a checkpoint.
    for rest in ["checkpoint.old", "checkpoint.new"] {
        let rest = parted.path().join("run").join(rest);
        std::fs::create_dir(&rest).unwrap();
        std::fs::write(rest.join("progress.json"), "{").unwrap();
    }
    let second = train(&long, parted.path(), None).unwrap();
    assert_eq!([first, second].concat(), losses);
    let file = |folder: &TempDir| std::fs::read(folder.path().join("model.safetensors")).unwrap();
    assert_eq!(file(&parted), file(&whole));
    let error = train(&short, parted.path(), None).unwrap_err().to_string();
    assert!(
        error.contains("`tokens`") && error.contains("decays"),
        "{error}"
    );
}

#[test]
fn a_second_stage_goes_on_from_the_weights_and_tokenizer_of_the_first() {
    let folder = TempDir::new().unwrap();
    let first = folder.path().join("first");
    let losses = sit(&first, None);
    let mut next = Recipe {
        seed: 2,
        start: Some("first".into()),
        ..recipe()
    };
    // Other documents, so that a tokenizer trained on them would be another one.
    next.world.seed = 2;
    let further = train(&next, folder.path(), None).unwrap();
    let end = losses[losses.len() - 5..].iter().sum::<f64>() / 5.0;
    assert!((further[0] - end).abs() < 0.5, "{end} then {}", further[0]);
    let tokenizer = |folder: &Path| std::fs::read(folder.join("tokenizer.json")).unwrap();
    assert_eq!(tokenizer(folder.path()), tokenizer(&first));
    next.model.inner = 64;
    let error = train(&next, folder.path(), None).unwrap_err().to_string();
    assert!(
        error.contains("`start`") && error.contains("other sizes"),
        "{error}"
    );
}

/// Three sequences of different lengths, side by side.
struct Batch {
    inputs: Tensor<2, Int>,
    targets: Vec<i32>,
    weights: Vec<f32>,
}

impl Batch {
    const ROWS: usize = 3;
    const TIME: usize = 10;
    const COUNTED: usize = 10 + 7 + 4;

    fn new(device: &Device) -> Self {
        let any = |seed| {
            (0..Self::ROWS * Self::TIME)
                .map(|index| (coin(seed, 0, index as u32).value() * 320.0) as i32)
                .collect::<Vec<_>>()
        };
        let weights = [10, 7, 4]
            .into_iter()
            .flat_map(|length| {
                (0..Self::TIME).map(move |time| if time < length { 1.0 } else { 0.0 })
            })
            .collect();
        let inputs = Tensor::from_data(TensorData::new(any(1), [Self::ROWS, Self::TIME]), device);
        Self {
            inputs,
            targets: any(2),
            weights,
        }
    }

    /// The surrogate that carries the gradient, and the mean nats per token.
    fn loss(&self, model: &Llama, device: &Device) -> (Tensor<1>, f64) {
        let plain = Device::flex();
        let count = Self::ROWS * Self::TIME;
        let rotary = Rotary::new(&tiny::config(), device);
        let mask =
            Tensor::<2, Bool>::tril_mask([Self::TIME, Self::TIME], 0, device).unsqueeze::<4>();
        let states = model.forward(
            self.inputs.clone(),
            &rotary.range(0, Self::TIME),
            &mask,
            None,
        );
        let logits = model.logits(states.reshape([count, tiny::config().hidden_size]));
        let targets = Tensor::from_data(TensorData::new(self.targets.clone(), [count]), &plain);
        let weights = Tensor::from_data(TensorData::new(self.weights.clone(), [count]), &plain);
        let loss = cross_entropy(logits, targets, weights, Self::COUNTED);
        let nats = loss.total_nats.into_data().iter::<f64>().sum::<f64>();
        (loss.surrogate, nats / Self::COUNTED as f64)
    }
}

/// A direction of small steps, each +-1, that depends only on its number.
fn direction<const D: usize>(number: u32, like: &Tensor<D>) -> Vec<f32> {
    (0..like.shape().num_elements() as u32)
        .map(|index| {
            if coin(3, number, index).value() < 0.5 {
                -1.0
            } else {
                1.0
            }
        })
        .collect()
}

#[test]
fn the_gradient_is_the_slope_of_the_loss() {
    let device = Device::flex().autodiff();
    let model = tiny::network().train();
    let batch = Batch::new(&device);
    let (surrogate, _) = batch.loss(&model, &device);
    let gradients = surrogate.backward();

    /// The slope along a direction by the gradient, and by two losses a small step apart.
    macro_rules! slopes {
        ($number:expr, $($part:tt)+) => {{
            const STEP: f32 = 1e-3;
            let param = &model.$($part)+;
            let towards = direction($number, &param.val());
            let gradient = param.val().grad(&gradients).unwrap().into_data();
            let slope: f64 = gradient.iter::<f32>().zip(&towards).map(|(g, d)| f64::from(g * d)).sum();
            let moved = |step: f32| {
                let mut model = model.clone();
                let values: Vec<f32> = param.val().into_data().iter::<f32>()
                    .zip(&towards)
                    .map(|(value, towards)| value + step * towards)
                    .collect();
                let values = Tensor::from_data(TensorData::new(values, param.val().shape()), &device);
                model.$($part)+ = Param::from_tensor(values);
                batch.loss(&model, &device).1
            };
            (slope, (moved(STEP) - moved(-STEP)) / f64::from(2.0 * STEP))
        }};
    }

    for number in 0..4 {
        for (name, (slope, difference)) in [
            ("embedding", slopes!(number, embedding)),
            ("query", slopes!(number, blocks[0].attention.query.weight)),
            ("key", slopes!(number, blocks[1].attention.key.weight)),
            ("value", slopes!(number, blocks[0].attention.value.weight)),
            ("output", slopes!(number, blocks[1].attention.output.weight)),
            ("gate", slopes!(number, blocks[0].feed_forward.gate.weight)),
            ("down", slopes!(number, blocks[1].feed_forward.down.weight)),
            (
                "attention norm",
                slopes!(number, blocks[0].attention_norm.gamma),
            ),
            ("last norm", slopes!(number, norm.gamma)),
        ] {
            // f32 losses of some 10 nats, a thousandth apart: three digits are what can be asked.
            let allowed = 0.02 * slope.abs() + 0.01;
            assert!(
                (slope - difference).abs() < allowed,
                "{name}: {slope} by gradient, {difference} by steps"
            );
        }
    }
}
