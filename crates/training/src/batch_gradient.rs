//! The gradient of one batch: shards of whole sequences on several cores, summed in their order (synchronous data parallelism).

use burn::optim::GradientsParams;
use burn::tensor::Device;
use transformer::{Llama, LlamaConfig, Rotary};

use crate::backprop::{Backprop, Weights};
use crate::batches::Batch;
use crate::error::TrainingError;
use crate::shards::{add, backward, shard};
use crate::worker_pool::WorkerPool;

/// Computes the gradients of a run's batches.
pub struct BatchGradient {
    pool: WorkerPool,
    shards: usize,
    device: Device,
    method: Method,
}

enum Method {
    /// Without dropout on the CPU.
    ClosedForm(Backprop),
    /// Everywhere else.
    Autodiff(Rotary),
}

impl BatchGradient {
    /// For networks of `config` on an untracked device. The result depends on the number of shards, not on that of cores.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn new(
        config: &LlamaConfig,
        dropout: f64,
        shards: usize,
        device: &Device,
    ) -> Result<Self, TrainingError> {
        if dropout == 0.0 && *device == Device::flex() {
            let method = Method::ClosedForm(Backprop::new(config, device));
            Self::by(method, shards, device)
        } else {
            Self::by_autodiff(config, shards, device)
        }
    }

    /// The same by autodiff, the reference.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn by_autodiff(
        config: &LlamaConfig,
        shards: usize,
        device: &Device,
    ) -> Result<Self, TrainingError> {
        let rotary = Rotary::new(config, &device.clone().autodiff());
        Self::by(Method::Autodiff(rotary), shards, device)
    }

    fn by(method: Method, shards: usize, device: &Device) -> Result<Self, TrainingError> {
        Ok(Self {
            pool: WorkerPool::new(shards)?,
            shards,
            device: device.clone(),
            method,
        })
    }

    /// Mean loss in nats per token, its gradient, and the number of predicted tokens. Dropout depends on `seed` and the shards.
    pub fn of(
        &self,
        model: &Llama,
        batch: &Batch,
        sequences: &[Vec<u32>],
        seed: u64,
    ) -> (f64, GradientsParams, usize) {
        let backprop = match &self.method {
            Method::ClosedForm(backprop) => backprop,
            Method::Autodiff(rotary) => {
                let (shards, predicted) = shard(batch, sequences, self.shards);
                let (loss, gradients) = backward(
                    &self.pool,
                    model,
                    rotary,
                    &shards,
                    predicted,
                    seed,
                    &self.device,
                );
                return (loss, gradients, predicted);
            }
        };
        let batch: Vec<&[u32]> = batch.iter().map(|&index| &sequences[index][..]).collect();
        let predicted = batch.iter().map(|sequence| sequence.len() - 1).sum();
        let shards: Vec<&[&[u32]]> = batch.chunks(batch.len().div_ceil(self.shards)).collect();
        let weights = Weights::new(model);
        let parts = self.pool.map(&shards, |_, shard| {
            backprop.backward(model, &weights, shard, predicted)
        });
        let mut nats = 0.0;
        let mut sum = GradientsParams::new();
        for (part, gradients) in parts {
            nats += part;
            add(model, &mut sum, gradients);
        }
        (nats / predicted as f64, sum, predicted)
    }
}
