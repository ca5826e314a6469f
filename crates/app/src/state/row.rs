//! One place's rows of logits: the base's, and the tuned model's where an adapter is on.

use std::borrow::Cow;

use decoding::interpolate;
use protocol::{Lambda, Logits};

/// Rows of logits and where they stand.
#[derive(Debug, PartialEq)]
pub struct Row {
    /// Each `[vocab]`, before any shaping.
    pub rows: Logits,
    /// All tokens before it, for the repetition penalty.
    pub history: Vec<u32>,
    /// The text before it.
    pub after: String,
    /// Which chain.
    pub chain: u32,
    /// The story that this chain tells, from 0: whose coin falls here.
    pub story: u32,
    /// The generated token that it decides, from 0.
    pub position: u32,
}

impl Row {
    /// Whether a tuned model has spoken here, so that lambda matters.
    pub fn is_tuned(&self) -> bool {
        self.rows.tuned.is_some()
    }

    /// The row that is decoded from: the line through both at lambda, or the base's own.
    pub fn logits(&self, lambda: Lambda) -> Cow<'_, [f32]> {
        let Logits { base, tuned } = &self.rows;
        match tuned {
            // Rows of different vocabularies cannot be mixed; an engine sends none.
            Some(tuned) => {
                interpolate(base, tuned, lambda.get()).map_or(Cow::Borrowed(base), Cow::Owned)
            }
            None => Cow::Borrowed(base),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(tuned: Option<Vec<f32>>) -> Row {
        let base = vec![1.0, 2.0];
        Row {
            rows: Logits { base, tuned },
            history: Vec::new(),
            after: String::new(),
            chain: 0,
            story: 0,
            position: 0,
        }
    }

    #[test]
    fn lambda_goes_from_the_base_through_the_tuned_model_and_beyond() {
        let row = row(Some(vec![3.0, 0.0]));
        for (lambda, expected) in [
            (0.0, [1.0, 2.0]),
            (0.5, [2.0, 1.0]),
            (1.0, [3.0, 0.0]),
            (1.5, [4.0, -1.0]),
        ] {
            assert_eq!(*row.logits(Lambda::new(lambda).unwrap()), expected);
        }
    }

    #[test]
    fn a_base_alone_knows_no_lambda() {
        let row = row(None);
        assert_eq!(*row.logits(Lambda::new(1.5).unwrap()), row.rows.base);
        assert!(!row.is_tuned());
    }
}
