//! The cost of one token's arithmetic at two vocabularies: this project's own, and GPT-2's.
//!
//! The rows follow Zipf's law with noise, which is the shape of a language model's.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use decoding::{Distribution, Shaping, coin, entropy_curve, kl_bits, shape, total_variation};

/// `-1.1 ln(rank)` for a shuffled rank, plus uniform noise in ±1: 7 to 9 bits of entropy.
fn row(vocabulary: u32, seed: u64) -> Vec<f32> {
    let mut ids: Vec<u32> = (0..vocabulary).collect();
    ids.sort_by(|a, b| {
        coin(seed, 0, *a)
            .value()
            .total_cmp(&coin(seed, 0, *b).value())
    });
    let noise = |id| 2.0 * coin(seed, 1, id).value() - 1.0;
    let logit = |(rank, id): (u32, &u32)| (noise(*id) - 1.1 * f64::from(rank + 1).ln()) as f32;
    (0..vocabulary).zip(&ids).map(logit).collect()
}

fn knobs() -> [(&'static str, Shaping); 8] {
    let neutral = Shaping::default();
    let valid = "bench knobs are in range";
    let all = neutral
        .with_temperature(0.8)
        .and_then(|it| it.with_top_k(40).with_top_p(0.9));
    let all = all
        .and_then(|it| it.with_min_p(0.02))
        .and_then(|it| it.with_typical_p(0.95));
    [
        ("T = 0", neutral.with_temperature(0.0).expect(valid)),
        ("T = 0.5", neutral.with_temperature(0.5).expect(valid)),
        ("T = 1", neutral),
        (
            "T = infinity",
            neutral.with_temperature(f64::INFINITY).expect(valid),
        ),
        ("top-k 40", neutral.with_top_k(40)),
        ("top-p 0.9", neutral.with_top_p(0.9).expect(valid)),
        ("typical 0.9", neutral.with_typical_p(0.9).expect(valid)),
        ("all cuts", all.expect(valid)),
    ]
}

fn tokens(criterion: &mut Criterion) {
    for vocabulary in [4_096, 50_257] {
        let logits = row(vocabulary, 1);
        let mut group = criterion.benchmark_group(format!("shape and pick, V = {vocabulary}"));
        for (name, knobs) in knobs() {
            let mut position = 0;
            group.bench_function(name, |bencher| {
                bencher.iter(|| {
                    position += 1;
                    shape(black_box(&logits), &[], &knobs).pick(coin(1, 0, position))
                });
            });
        }
        group.finish();
    }
}

fn measures(criterion: &mut Criterion) {
    for vocabulary in [4_096, 50_257] {
        let (logits, other) = (row(vocabulary, 1), row(vocabulary, 2));
        let plain = |row: &[f32]| shape(row, &[], &Shaping::default());
        let (p, q) = (plain(&logits), plain(&other));
        let betas: Vec<f64> = (0..80).map(|step| 0.05 * f64::from(step)).collect();
        let row = Distribution::probabilities;

        let mut group = criterion.benchmark_group(format!("measures, V = {vocabulary}"));
        group.bench_function("KL", |bencher| {
            bencher.iter(|| kl_bits(black_box(row(&p)), row(&q)));
        });
        group.bench_function("total variation", |bencher| {
            bencher.iter(|| total_variation(black_box(row(&p)), row(&q)));
        });
        group.bench_function("ranked 20", |bencher| {
            bencher.iter(|| black_box(&p).ranked(20));
        });
        group.bench_function("ruler 200", |bencher| {
            bencher.iter(|| black_box(&p).ruler(200));
        });
        group.bench_function("entropy at 80 betas from 0 to 4", |bencher| {
            bencher.iter(|| entropy_curve(black_box(&logits), &betas));
        });
        group.finish();
    }
}

criterion_group!(benches, tokens, measures);
criterion_main!(benches);
