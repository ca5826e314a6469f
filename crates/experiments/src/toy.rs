//! A language model whose every probability is known: a rule from text to the next byte.

use std::convert::Infallible;
use std::fmt;

use decoding::LanguageModel;

use crate::inputs::Question;

/// The token that begins and ends a text; the tokens below it are bytes.
const MARK: u32 = 256;
/// Tokens that a toy reads.
const CONTEXT: usize = 4096;

/// What comes next, each with its probability; `None` ends the text.
type Rule = dyn Fn(&[u8]) -> Vec<(Option<u8>, f64)>;

/// A model over bytes. Its logits are the logarithms of the probabilities that its rule gives.
pub struct Toy {
    rule: Box<Rule>,
}

impl fmt::Debug for Toy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Toy")
    }
}

impl Toy {
    /// A toy that follows a rule: from the bytes so far, the prompt's included, to what may come next. What the rule does not name
    /// has no probability; where it names nothing the text ends.
    pub fn new(rule: impl Fn(&[u8]) -> Vec<(Option<u8>, f64)> + 'static) -> Self {
        Self {
            rule: Box::new(rule),
        }
    }

    /// A toy that answers every prompt of these questions exactly as often as the table says, and then ends.
    pub fn answering(questions: &[Question]) -> Self {
        let questions = questions.to_vec();
        Self::new(move |text| {
            for question in &questions {
                let wordings = question.prompts.iter().chain(&question.unseen);
                for prompt in wordings {
                    if let Some(said) = text.strip_prefix(prompt.as_bytes()) {
                        let next = next_of(question, said);
                        if !next.is_empty() {
                            return next;
                        }
                    }
                }
            }
            Vec::new()
        })
    }

    fn row(&self, tokens: &[u32]) -> Vec<f32> {
        let mut row = vec![f32::NEG_INFINITY; MARK as usize + 1];
        let mut next = (self.rule)(&bytes(tokens));
        if next.is_empty() {
            next.push((None, 1.0));
        }
        for (byte, probability) in next {
            row[byte.map_or(MARK, u32::from) as usize] = probability.ln() as f32;
        }
        row
    }
}

/// What the answers that begin as said go on with; empty where none does.
fn next_of(question: &Question, said: &[u8]) -> Vec<(Option<u8>, f64)> {
    let mut next: Vec<(Option<u8>, f64)> = Vec::new();
    for answer in &question.answers {
        if let Some(rest) = answer.text.as_bytes().strip_prefix(said) {
            let byte = rest.first().copied();
            match next.iter_mut().find(|(known, _)| *known == byte) {
                Some((_, sum)) => *sum += answer.probability,
                None => next.push((byte, answer.probability)),
            }
        }
    }
    next
}

fn bytes(tokens: &[u32]) -> Vec<u8> {
    let bytes = tokens.iter().filter(|&&token| token < MARK);
    bytes.map(|&token| token as u8).collect()
}

impl LanguageModel for Toy {
    /// The tokens of each chain so far.
    type Batch = Vec<Vec<u32>>;
    type Error = Infallible;

    fn vocabulary_size(&self) -> usize {
        MARK as usize + 1
    }

    fn end_of_text(&self) -> u32 {
        MARK
    }

    fn context(&self) -> usize {
        CONTEXT
    }

    fn encode(&self, text: &str) -> Result<Vec<u32>, Infallible> {
        Ok([MARK]
            .into_iter()
            .chain(text.bytes().map(u32::from))
            .collect())
    }

    fn decode(&self, tokens: &[u32]) -> String {
        String::from_utf8_lossy(&bytes(tokens)).into_owned()
    }

    async fn logits(&self, tokens: &[u32]) -> Result<Vec<Vec<f32>>, Infallible> {
        Ok((1..=tokens.len())
            .map(|read| self.row(&tokens[..read]))
            .collect())
    }

    async fn prefill(
        &self,
        prompt: &[u32],
        chains: usize,
        _length: usize,
    ) -> Result<(Vec<Vec<u32>>, Vec<f32>), Infallible> {
        Ok((vec![prompt.to_vec(); chains], self.row(prompt)))
    }

    async fn step(
        &self,
        batch: &mut Vec<Vec<u32>>,
        chains: &[usize],
        tokens: &[u32],
    ) -> Result<Vec<Vec<f32>>, Infallible> {
        let pairs = chains.iter().zip(tokens);
        Ok(pairs
            .map(|(&chain, &token)| {
                batch[chain].push(token);
                self.row(&batch[chain])
            })
            .collect())
    }
}
