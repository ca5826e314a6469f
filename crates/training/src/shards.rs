//! The gradient of one batch, computed in shards on several cores (synchronous data parallelism).

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use transformer::{Llama, Rotary};

use crate::batches::Batch;
use crate::loss::cross_entropy;
use crate::worker_pool::WorkerPool;

/// Padded sequences: inputs, targets (the next token of each), and weights, 0 for padding.
pub struct Shard {
    rows: usize,
    time: usize,
    inputs: Vec<i32>,
    targets: Vec<i32>,
    weights: Vec<f32>,
}

/// Splits a batch into at most `parts` shards; also returns the number of predicted tokens.
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

    /// Sum of the loss over the shard in nats, and the gradient of the mean over all `predicted` tokens of the batch.
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
        let mask = Tensor::<2, Bool>::tril_mask([time, time], 0, tracked).unsqueeze::<4>();
        let states = model.forward(inputs, &rotary.range(0, time), &mask, None);
        let width = states.dims()[2];
        let logits = model.logits(states.reshape([rows * time, width]));
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

/// Mean loss in nats per token, and its gradients. Dropout depends on `seed` and the shards alone; the result depends on the
/// shards, not on the number of cores.
pub fn backward(
    pool: &WorkerPool,
    model: &Llama,
    rotary: &Rotary,
    shards: &[Shard],
    predicted: usize,
    seed: u64,
    plain: &Device,
) -> (f64, GradientsParams) {
    let tracked = &plain.clone().autodiff();
    let parts = pool.map(shards, |number, shard| {
        // Leaves of its own: backward passes over shared leaves would wait for each other.
        let mut model = model.clone().fork(tracked);
        model.reseed_dropout(seed, number as u16);
        shard.backward(&model, rotary, predicted, plain, tracked)
    });
    let mut nats = 0.0;
    let mut sum = GradientsParams::new();
    for (part, gradients) in parts {
        nats += part;
        add(model, &mut sum, gradients);
    }
    (nats / predicted as f64, sum)
}

/// Adds gradients of a module's parameters to their sum.
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
