//! Clipping a gradient by its norm over all parameters (Pascanu et al. 2013, arXiv 1211.5063).
//!
//! burn's optimizers clip each parameter separately, which changes the gradient's direction.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// Scales all gradients so that their global norm is at most `largest`; returns the norm before.
pub fn clip_by_global_norm<M: Module>(
    module: &M,
    gradients: &mut GradientsParams,
    largest: f64,
) -> f64 {
    let mut sum = SumOfSquares {
        gradients,
        total: None,
    };
    module.visit(&mut sum);
    let Some(total) = sum.total else { return 0.0 };
    let norm = total.sqrt().into_scalar::<f64>();
    if norm > largest {
        module.visit(&mut Scale {
            gradients,
            factor: largest / norm,
        });
    }
    norm
}

struct SumOfSquares<'a> {
    gradients: &'a GradientsParams,
    total: Option<Tensor<1>>,
}

impl ModuleVisitor for SumOfSquares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            let squares = gradient.square().sum();
            self.total = Some(match self.total.take() {
                Some(total) => total + squares,
                None => squares,
            });
        }
    }
}

struct Scale<'a> {
    gradients: &'a mut GradientsParams,
    factor: f64,
}

impl ModuleVisitor for Scale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.gradients.register(param.id, gradient * self.factor);
        }
    }
}
