//! The gradient of one batch, computed in parts on several cores (synchronous data parallelism).
//!
//! Tensors of a small model are too small for several cores to share one product; whole sequences are not.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use rayon::{ThreadPool, ThreadPoolBuilder};
use transformer::{Llama, Rotary};

use crate::batches::Batch;
use crate::error::TrainingError;
use crate::loss::cross_entropy;

/// Sequences side by side: inputs, the token after each, and which of those count.
pub struct Shard {
    rows: usize,
    time: usize,
    inputs: Vec<i32>,
    targets: Vec<i32>,
    weights: Vec<f32>,
}

/// Cuts a batch into at most `parts` shards; also says how many tokens it predicts in all.
pub fn shard(batch: &Batch, sequences: &[Vec<u32>], parts: usize) -> (Vec<Shard>, usize) {
    let rows = batch.len().div_ceil(parts);
    let shards = batch
        .chunks(rows)
        .map(|part| Shard::new(part, sequences))
        .collect();
    (
        shards,
        batch.iter().map(|&index| sequences[index].len() - 1).sum(),
    )
}

impl Shard {
    fn new(part: &[usize], sequences: &[Vec<u32>]) -> Self {
        let time = part
            .iter()
            .map(|&index| sequences[index].len())
            .max()
            .unwrap_or(1)
            - 1;
        let rows = part.len();
        let (mut inputs, mut targets, mut weights) = (
            vec![0; rows * time],
            vec![0; rows * time],
            vec![0.0; rows * time],
        );
        for (row, &index) in part.iter().enumerate() {
            for (column, pair) in sequences[index].windows(2).enumerate() {
                let place = row * time + column;
                inputs[place] = pair[0] as i32;
                targets[place] = pair[1] as i32;
                weights[place] = 1.0;
            }
        }
        Self {
            rows,
            time,
            inputs,
            targets,
            weights,
        }
    }

    /// Sum of nats over the shard, and the gradient of the mean over all `predicted` tokens of the batch.
    fn backward(
        &self,
        model: &Llama,
        rotary: &Rotary,
        predicted: usize,
        plain: &Device,
        tracked: &Device,
    ) -> (f64, GradientsParams) {
        let (rows, time) = (self.rows, self.time);
        let inputs = Tensor::<2, Int>::from_data(
            TensorData::new(self.inputs.clone(), [rows, time]),
            tracked,
        );
        let hidden = Tensor::<2, Bool>::tril_mask([time, time], 0, tracked).unsqueeze::<4>();
        let stream = model.stream(inputs, &rotary.range(0, time), &hidden, None);
        let width = stream.dims()[2];
        let logits = model.logits(stream.reshape([rows * time, width]));
        let targets =
            Tensor::from_data(TensorData::new(self.targets.clone(), [rows * time]), plain);
        let weights =
            Tensor::from_data(TensorData::new(self.weights.clone(), [rows * time]), plain);
        let loss = cross_entropy(logits, targets, weights, predicted);
        let nats = loss.total_nats.into_scalar::<f64>();
        (
            nats,
            GradientsParams::from_grads(loss.surrogate.backward(), model),
        )
    }
}

/// One thread pool of one thread for every shard: burn's own parallel loops then stay on their shard's core.
pub struct Workers(Vec<ThreadPool>);

impl Workers {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(shards: usize) -> Result<Self, TrainingError> {
        (0..shards)
            .map(|_| ThreadPoolBuilder::new().num_threads(1).build())
            .collect::<Result<_, _>>()
            .map(Self)
            .map_err(|error| TrainingError::Threads(error.to_string()))
    }

    /// Mean loss in nats a token, and its gradients. Dropout depends on `seed` and the shards alone.
    pub fn backward(
        &self,
        model: &Llama,
        rotary: &Rotary,
        shards: &[Shard],
        predicted: usize,
        seed: u64,
        plain: &Device,
    ) -> (f64, GradientsParams) {
        let tracked = &plain.clone().autodiff();
        let parts: Vec<(f64, GradientsParams)> = std::thread::scope(|scope| {
            let running: Vec<_> = shards
                .iter()
                .zip(&self.0)
                .zip(0..)
                .map(|((shard, pool), number)| {
                    // Leaves of its own: backward passes over shared leaves would wait for each other.
                    let mut model = model.clone().fork(tracked);
                    model.throw_dropout(seed, number);
                    scope.spawn(move || {
                        pool.install(|| shard.backward(&model, rotary, predicted, plain, tracked))
                    })
                })
                .collect();
            running
                .into_iter()
                .map(|thread| thread.join().expect("a shard does not panic"))
                .collect()
        });
        let mut nats = 0.0;
        let mut sum = GradientsParams::new();
        for (part, gradients) in parts {
            nats += part;
            add(model, &mut sum, gradients);
        }
        (nats / predicted as f64, sum)
    }
}

/// Adds a part of a module's gradients to their sum.
pub fn add<M: Module>(module: &M, sum: &mut GradientsParams, mut part: GradientsParams) {
    module.visit(&mut Add {
        sum,
        part: &mut part,
    });
}

struct Add<'a> {
    sum: &'a mut GradientsParams,
    part: &'a mut GradientsParams,
}

impl ModuleVisitor for Add<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(part) = self.part.remove::<D>(param.id) {
            let sum = match self.sum.remove::<D>(param.id) {
                Some(sum) => sum + part,
                None => part,
            };
            self.sum.register(param.id, sum);
        }
    }
}
