//! Forward and backward pass of a training step on the CPU in closed form, without autodiff.
//!
//! Autodiff spends more than half of a step beside the matrix products: in separate passes for every elementary operation, in
//! copies, in padding. Here each layer's remaining work is one pass ([`kernels`]), sequences are packed without padding, and
//! attention skips the blocks of keys that a causal mask would hide ([`attention`]). `shards::backward` has the same gradient by
//! autodiff, for dropout and other devices; a test holds the two together.
//!
//! Gradients of a product `y = x W`: `dx = dy W^T`, `dW = x^T dy`.

mod attention;
mod kernels;
mod values;

use burn::module::Param;
use burn::nn::Linear;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use transformer::{Block, Llama, LlamaConfig, Rotary};

use attention::{Heads, SequenceCache};
use values::{slice, slice_mut};

/// What all steps of a run share.
pub struct Backprop {
    heads: Heads,
    inner: usize,
    epsilon: f32,
    device: Device,
}

/// Untracked weights of one step; projections of the same input side by side.
pub struct Weights {
    /// `[vocab, hidden]`
    embedding: Tensor<2>,
    layers: Vec<LayerWeights>,
    norm: Vec<f32>,
    /// `[hidden, vocab]`
    head: Tensor<2>,
}

struct LayerWeights {
    attention_norm: Vec<f32>,
    /// Query, key and value, `[hidden, query_width + 2 * key_width]`.
    projections: Tensor<2>,
    /// `[query_width, hidden]`
    output: Tensor<2>,
    feed_forward_norm: Vec<f32>,
    /// Gate and up, `[hidden, 2 * inner]`.
    gate_up: Tensor<2>,
    /// `[inner, hidden]`
    down: Tensor<2>,
}

/// What the backward pass needs of a layer.
struct LayerCache {
    /// Residual stream before attention, `[rows, hidden]`.
    x: TensorData,
    attention_scales: Vec<f32>,
    /// `[rows, hidden]`
    attention_input: Tensor<2>,
    sequences: Vec<SequenceCache>,
    /// Output of the heads, `[rows, query_width]`.
    attended: Tensor<2>,
    /// Residual stream before the feed-forward part, `[rows, hidden]`.
    middle: TensorData,
    feed_forward_scales: Vec<f32>,
    /// `[rows, hidden]`
    feed_forward_input: Tensor<2>,
    /// `[rows, 2 * inner]`
    gate_up: TensorData,
    /// `[rows, inner]`
    activated: Tensor<2>,
}

impl Weights {
    /// The weights of a network.
    pub fn new(model: &Llama) -> Self {
        let embedding = matrix(&model.embedding);
        let layers = model.blocks.iter().map(|block| {
            let attention = &block.attention;
            let projections = [&attention.query, &attention.key, &attention.value];
            let gate_up = [&block.feed_forward.gate, &block.feed_forward.up];
            LayerWeights {
                attention_norm: vector(&block.attention_norm.gamma),
                projections: Tensor::cat(projections.map(|it| matrix(&it.weight)).to_vec(), 1),
                output: matrix(&attention.output.weight),
                feed_forward_norm: vector(&block.feed_forward_norm.gamma),
                gate_up: Tensor::cat(gate_up.map(|it| matrix(&it.weight)).to_vec(), 1),
                down: matrix(&block.feed_forward.down.weight),
            }
        });
        Self {
            layers: layers.collect(),
            norm: vector(&model.norm.gamma),
            head: match &model.head {
                Some(head) => matrix(&head.weight),
                None => embedding.clone().transpose(),
            },
            embedding,
        }
    }
}

impl Backprop {
    /// For networks of `config` on an untracked CPU device.
    pub fn new(config: &LlamaConfig, device: &Device) -> Self {
        Self {
            heads: Heads::new(config, &Rotary::new(config, device), device),
            inner: config.intermediate_size,
            epsilon: config.rms_norm_eps as f32,
            device: device.clone(),
        }
    }

    /// Sum of the loss over `sequences` in nats, and the gradient of that sum divided by `predicted`.
    pub fn backward(
        &self,
        model: &Llama,
        weights: &Weights,
        sequences: &[&[u32]],
        predicted: usize,
    ) -> (f64, GradientsParams) {
        let inputs = sequences.iter().flat_map(|it| &it[..it.len() - 1]).copied();
        let inputs: Vec<u32> = inputs.collect();
        let targets: Vec<u32> = sequences.iter().flat_map(|it| &it[1..]).copied().collect();
        let lengths: Vec<usize> = sequences.iter().map(|it| it.len() - 1).collect();
        let (rows, width) = (inputs.len(), weights.norm.len());

        let embedding = weights.embedding.clone().into_data();
        let embedding = slice(&embedding);
        let mut x = Vec::with_capacity(rows * width);
        for &token in &inputs {
            x.extend_from_slice(&embedding[token as usize * width..][..width]);
        }
        let mut x = TensorData::new(x, [rows, width]);
        let mut caches = Vec::with_capacity(weights.layers.len());
        for layer in &weights.layers {
            let cache;
            (x, cache) = self.layer(layer, x, &lengths);
            caches.push(cache);
        }

        let mut gradients = GradientsParams::new();
        let (scales, last) = self.normalise(&x, &weights.norm);
        let mut logits = last.clone().matmul(weights.head.clone()).into_data();
        let vocabulary = logits.shape()[1];
        let scale = 1.0 / predicted as f32;
        let nats = kernels::cross_entropy(slice_mut(&mut logits), vocabulary, &targets, scale);
        let dlogits = self.tensor(logits);
        let dlast = dlogits
            .clone()
            .matmul(weights.head.clone().transpose())
            .into_data();
        let mut dembedding = if let Some(head) = &model.head {
            gradients.register(head.weight.id, last.transpose().matmul(dlogits));
            TensorData::new(vec![0.0_f32; vocabulary * width], [vocabulary, width])
        } else {
            dlogits.transpose().matmul(last).into_data()
        };
        let mut dx = TensorData::new(vec![0.0_f32; rows * width], [rows, width]);
        let norm = &model.norm.gamma;
        self.normalise_backward(
            &dlast,
            &x,
            &scales,
            &weights.norm,
            &mut dx,
            norm,
            &mut gradients,
        );

        let layers = model.blocks.iter().zip(&weights.layers).zip(caches);
        for ((block, layer), cache) in layers.rev() {
            dx = self.layer_backward(block, layer, cache, dx, &lengths, &mut gradients);
        }
        let sums = slice_mut(&mut dembedding);
        for (&token, dx) in inputs.iter().zip(slice(&dx).chunks_exact(width)) {
            kernels::add(&mut sums[token as usize * width..][..width], dx);
        }
        gradients.register(model.embedding.id, self.tensor(dembedding));
        (nats, gradients)
    }

    /// One block forward.
    ///
    /// # Shapes
    /// - x, output: `[rows, hidden]`
    fn layer(
        &self,
        weights: &LayerWeights,
        x: TensorData,
        lengths: &[usize],
    ) -> (TensorData, LayerCache) {
        let rows = x.shape()[0];
        let (attention_scales, attention_input) = self.normalise(&x, &weights.attention_norm);
        let projected = attention_input
            .clone()
            .matmul(weights.projections.clone())
            .into_data();
        let (query_width, projected_width) =
            (self.heads.query_width(), self.heads.projected_width());
        let mut attended = vec![0.0; rows * query_width];
        let parts = split(slice(&projected), projected_width, lengths).into_iter();
        let outs = split_mut(&mut attended, query_width, lengths);
        let sequences = parts
            .zip(outs)
            .map(|(part, out)| self.heads.forward(part, out))
            .collect();
        let attended = self.tensor(TensorData::new(attended, [rows, query_width]));
        let mut middle = attended.clone().matmul(weights.output.clone()).into_data();
        kernels::add(slice_mut(&mut middle), slice(&x));

        let (feed_forward_scales, feed_forward_input) =
            self.normalise(&middle, &weights.feed_forward_norm);
        let gate_up = feed_forward_input
            .clone()
            .matmul(weights.gate_up.clone())
            .into_data();
        let mut activated = vec![0.0; rows * self.inner];
        kernels::swiglu(slice(&gate_up), self.inner, &mut activated);
        let activated = self.tensor(TensorData::new(activated, [rows, self.inner]));
        let mut out = activated.clone().matmul(weights.down.clone()).into_data();
        kernels::add(slice_mut(&mut out), slice(&middle));
        let cache = LayerCache {
            x,
            attention_scales,
            attention_input,
            sequences,
            attended,
            middle,
            feed_forward_scales,
            feed_forward_input,
            gate_up,
            activated,
        };
        (out, cache)
    }

    /// One block backward.
    ///
    /// # Shapes
    /// - dx, output: `[rows, hidden]`, gradient of the block's output and of its input
    fn layer_backward(
        &self,
        block: &Block,
        weights: &LayerWeights,
        cache: LayerCache,
        dx: TensorData,
        lengths: &[usize],
        gradients: &mut GradientsParams,
    ) -> TensorData {
        let dout = self.tensor(dx);
        let (dactivated, ddown) = product_backward(cache.activated, &weights.down, &dout);
        gradients.register(block.feed_forward.down.weight.id, ddown);
        let dactivated = dactivated.into_data();
        let mut dgate_up = cache.gate_up;
        kernels::swiglu_backward(slice(&dactivated), self.inner, slice_mut(&mut dgate_up));
        let dgate_up = self.tensor(dgate_up);
        let (dinput, dweight) =
            product_backward(cache.feed_forward_input, &weights.gate_up, &dgate_up);
        let feed_forward = &block.feed_forward;
        register_columns(gradients, &dweight, &[&feed_forward.gate, &feed_forward.up]);
        let mut dmiddle = dout.into_data();
        self.normalise_backward(
            &dinput.into_data(),
            &cache.middle,
            &cache.feed_forward_scales,
            &weights.feed_forward_norm,
            &mut dmiddle,
            &block.feed_forward_norm.gamma,
            gradients,
        );

        let dmiddle = self.tensor(dmiddle);
        let (dattended, doutput) = product_backward(cache.attended, &weights.output, &dmiddle);
        gradients.register(block.attention.output.weight.id, doutput);
        let dattended = dattended.into_data();
        let (query_width, projected_width) =
            (self.heads.query_width(), self.heads.projected_width());
        let rows = dattended.shape()[0];
        let mut dprojected = vec![0.0; rows * projected_width];
        let parts = split(slice(&dattended), query_width, lengths);
        let outs = split_mut(&mut dprojected, projected_width, lengths);
        for ((part, out), cache) in parts.into_iter().zip(outs).zip(cache.sequences) {
            self.heads.backward(cache, part, out);
        }
        let dprojected = self.tensor(TensorData::new(dprojected, [rows, projected_width]));
        let (dinput, dweight) =
            product_backward(cache.attention_input, &weights.projections, &dprojected);
        let attention = &block.attention;
        let projections = [&attention.query, &attention.key, &attention.value];
        register_columns(gradients, &dweight, &projections);
        let mut dx = dmiddle.into_data();
        self.normalise_backward(
            &dinput.into_data(),
            &cache.x,
            &cache.attention_scales,
            &weights.attention_norm,
            &mut dx,
            &block.attention_norm.gamma,
            gradients,
        );
        dx
    }

    /// RMSNorm of `[rows, hidden]`, with the rows' scales for the backward pass.
    fn normalise(&self, x: &TensorData, weight: &[f32]) -> (Vec<f32>, Tensor<2>) {
        let (rows, width) = (x.shape()[0], weight.len());
        let mut scales = vec![0.0; rows];
        let mut out = vec![0.0; rows * width];
        kernels::rms_norm(slice(x), weight, self.epsilon, &mut out, &mut scales);
        (scales, self.tensor(TensorData::new(out, [rows, width])))
    }

    /// Adds the gradient of the norm's input to `dx`, and registers that of its weight.
    #[expect(clippy::too_many_arguments, reason = "what a norm's formula names")]
    fn normalise_backward(
        &self,
        dout: &TensorData,
        x: &TensorData,
        scales: &[f32],
        weight: &[f32],
        dx: &mut TensorData,
        gamma: &Param<Tensor<1>>,
        gradients: &mut GradientsParams,
    ) {
        let mut dweight = vec![0.0; weight.len()];
        kernels::rms_norm_backward(
            slice(dout),
            slice(x),
            scales,
            weight,
            slice_mut(dx),
            &mut dweight,
        );
        let dweight = TensorData::new(dweight, [weight.len()]);
        gradients.register(gamma.id, Tensor::<1>::from_data(dweight, &self.device));
    }

    fn tensor(&self, data: TensorData) -> Tensor<2> {
        Tensor::from_data(data, &self.device)
    }
}

/// Gradients of `x` and of the weight of `x W`.
fn product_backward(x: Tensor<2>, weight: &Tensor<2>, dout: &Tensor<2>) -> (Tensor<2>, Tensor<2>) {
    (
        dout.clone().matmul(weight.clone().transpose()),
        x.transpose().matmul(dout.clone()),
    )
}

/// Registers the gradients of projections whose weights stand side by side.
fn register_columns(gradients: &mut GradientsParams, joined: &Tensor<2>, linears: &[&Linear]) {
    let mut start = 0;
    for linear in linears {
        let width = linear.weight.dims()[1];
        gradients.register(linear.weight.id, joined.clone().narrow(1, start, width));
        start += width;
    }
}

fn matrix(param: &Param<Tensor<2>>) -> Tensor<2> {
    param.val().inner()
}

fn vector(param: &Param<Tensor<1>>) -> Vec<f32> {
    slice(&param.val().inner().into_data()).to_vec()
}

/// The rows of each sequence.
fn split<'a>(mut values: &'a [f32], width: usize, lengths: &[usize]) -> Vec<&'a [f32]> {
    let mut parts = Vec::with_capacity(lengths.len());
    for length in lengths {
        let part;
        (part, values) = values.split_at(length * width);
        parts.push(part);
    }
    parts
}

/// The rows of each sequence, to write.
fn split_mut<'a>(mut values: &'a mut [f32], width: usize, lengths: &[usize]) -> Vec<&'a mut [f32]> {
    let mut parts = Vec::with_capacity(lengths.len());
    for length in lengths {
        let part;
        (part, values) = values.split_at_mut(length * width);
        parts.push(part);
    }
    parts
}
