//! The Llama forward pass as plain loops in f64, one sequence at a time: what every faster path must agree with.
//!
//! The names of the tensors are Hugging Face's; the formulas are those of RMSNorm (arXiv 1910.07467), RoPE (arXiv
//! 2104.09864), grouped-query attention (arXiv 2305.13245) and SwiGLU (arXiv 2002.05202).

use super::checkpoint::Checkpoint;

/// One row of numbers.
pub type Row = Vec<f64>;

impl Checkpoint {
    /// Logits after every token.
    pub fn logits(&self, tokens: &[u32]) -> Vec<Row> {
        let config = &self.config;
        let embedding = self.matrix("model.embed_tokens.weight");
        let mut stream: Vec<Row> = tokens
            .iter()
            .map(|&token| embedding[token as usize].clone())
            .collect();
        for layer in 0..config.num_hidden_layers {
            let name = |part: &str| format!("model.layers.{layer}.{part}.weight");
            let normed = self.norm(&name("input_layernorm"), &stream);
            add(&mut stream, &self.attention(&name, &normed));
            let normed = self.norm(&name("post_attention_layernorm"), &stream);
            add(&mut stream, &self.feed_forward(&name, &normed));
        }
        let head = if config.tie_word_embeddings {
            embedding
        } else {
            self.matrix("lm_head.weight")
        };
        project(&head, &self.norm("model.norm.weight", &stream))
    }

    fn attention(&self, name: &dyn Fn(&str) -> String, normed: &[Row]) -> Vec<Row> {
        let config = &self.config;
        let width = config.head_dim;
        let queries = project(&self.matrix(&name("self_attn.q_proj")), normed);
        let keys = project(&self.matrix(&name("self_attn.k_proj")), normed);
        let values = project(&self.matrix(&name("self_attn.v_proj")), normed);
        let turned = |row: &Row, head: usize, position: usize| {
            rotate(
                &row[head * width..(head + 1) * width],
                position,
                config.rope_theta,
            )
        };
        let mut mixed = vec![vec![0.0; config.num_attention_heads * width]; normed.len()];
        for head in 0..config.num_attention_heads {
            let key_head = head * config.num_key_value_heads / config.num_attention_heads;
            for (position, mixed) in mixed.iter_mut().enumerate() {
                let query = turned(&queries[position], head, position);
                let scores: Row = (0..=position)
                    .map(|past| {
                        dot(&query, &turned(&keys[past], key_head, past)) / (width as f64).sqrt()
                    })
                    .collect();
                for (past, weight) in softmax(&scores).into_iter().enumerate() {
                    for feature in 0..width {
                        mixed[head * width + feature] +=
                            weight * values[past][key_head * width + feature];
                    }
                }
            }
        }
        project(&self.matrix(&name("self_attn.o_proj")), &mixed)
    }

    fn feed_forward(&self, name: &dyn Fn(&str) -> String, normed: &[Row]) -> Vec<Row> {
        let gates = project(&self.matrix(&name("mlp.gate_proj")), normed);
        let ups = project(&self.matrix(&name("mlp.up_proj")), normed);
        let inner: Vec<Row> = gates
            .iter()
            .zip(&ups)
            .map(|(gate, up)| {
                gate.iter()
                    .zip(up)
                    .map(|(gate, up)| gate / (1.0 + (-gate).exp()) * up)
                    .collect()
            })
            .collect();
        project(&self.matrix(&name("mlp.down_proj")), &inner)
    }

    fn norm(&self, name: &str, stream: &[Row]) -> Vec<Row> {
        let gains = &self.tensors[name].1;
        stream
            .iter()
            .map(|row| {
                let mean_square = dot(row, row) / row.len() as f64;
                let scale = 1.0 / (mean_square + self.config.rms_norm_eps).sqrt();
                row.iter()
                    .zip(gains)
                    .map(|(value, gain)| value * scale * f64::from(*gain))
                    .collect()
            })
            .collect()
    }

    fn matrix(&self, name: &str) -> Vec<Row> {
        let (shape, values) = &self.tensors[name];
        values
            .chunks(shape[1])
            .map(|row| row.iter().map(|&value| f64::from(value)).collect())
            .collect()
    }
}

/// `[rows, in]` through a projection of `[out, in]`.
fn project(projection: &[Row], rows: &[Row]) -> Vec<Row> {
    rows.iter()
        .map(|row| projection.iter().map(|weights| dot(weights, row)).collect())
        .collect()
}

/// Feature `i` and feature `i + half` turn together.
fn rotate(features: &[f64], position: usize, theta: f64) -> Row {
    let half = features.len() / 2;
    let mut turned = features.to_vec();
    for pair in 0..half {
        let angle = position as f64 * theta.powf(-(pair as f64) / half as f64);
        let (x, y) = (features[pair], features[pair + half]);
        turned[pair] = x * angle.cos() - y * angle.sin();
        turned[pair + half] = y * angle.cos() + x * angle.sin();
    }
    turned
}

fn softmax(scores: &[f64]) -> Row {
    let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Row = scores.iter().map(|score| (score - highest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(stream: &mut [Row], change: &[Row]) {
    for (row, change) in stream.iter_mut().zip(change) {
        for (value, change) in row.iter_mut().zip(change) {
            *value += change;
        }
    }
}
