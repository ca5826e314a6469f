//! All chains of one run, and what can be said of them together.

use std::rc::Rc;

use protocol::Pick;

use super::{
    chain::{Chain, Measure},
    detokenizer::Detokenizer,
};

/// The chains, by number: all stories of one side, then those of the other, where two are compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Swarm {
    chains: Vec<Rc<Chain>>,
    /// Chains on a side.
    stories: usize,
}

impl Swarm {
    /// So many stories, each told so many times, without a token.
    pub fn of(stories: u32, sides: u32) -> Self {
        Self {
            chains: (0..stories * sides).map(|_| Rc::default()).collect(),
            stories: stories as usize,
        }
    }

    /// The chains, by number.
    pub fn chains(&self) -> &[Rc<Chain>] {
        &self.chains
    }

    /// How many stories are told, each once or twice.
    pub fn stories(&self) -> usize {
        self.stories
    }

    /// The sides: the only one, or the tuned model's stories and the base's.
    pub fn sides(&self) -> impl Iterator<Item = Stories<'_>> {
        self.chains.chunks(self.stories.max(1)).map(Stories)
    }

    /// A chain by its number.
    pub fn chain(&self, chain: u32) -> Option<&Chain> {
        self.chains.get(chain as usize).map(|chain| &**chain)
    }

    /// Tokens of all chains together.
    pub fn tokens(&self) -> usize {
        self.chains.iter().map(|chain| chain.len()).sum()
    }

    /// Adds the tokens of a step; a pick that does not continue its chain is dropped.
    pub fn step(&mut self, picks: &[Pick], detokenizer: &Detokenizer) {
        for pick in picks {
            let Some(chain) = self.chains.get_mut(pick.chain as usize) else {
                continue;
            };
            if chain.len() == pick.position as usize && !chain.done {
                let measure = Measure {
                    surprisal_bits: pick.surprisal_bits,
                    entropy_bits: pick.entropy_bits,
                };
                Rc::make_mut(chain).push(pick.token, measure, pick.last, detokenizer);
            }
        }
    }

    /// Keeps the first tokens of every chain, with their new measures (surprisal, entropy; bits).
    pub fn rewind(
        &mut self,
        kept: &[u32],
        measures: &[Vec<(f32, f32)>],
        detokenizer: &Detokenizer,
    ) {
        for ((chain, kept), measures) in self.chains.iter_mut().zip(kept).zip(measures) {
            let measures: Vec<Measure> = measures
                .iter()
                .take(*kept as usize)
                .map(|&(surprisal_bits, entropy_bits)| Measure {
                    surprisal_bits,
                    entropy_bits,
                })
                .collect();
            Rc::make_mut(chain).rewind(&measures, detokenizer);
        }
    }
}

/// The chains of one side, and what is measured of them together.
#[derive(Clone, Copy, Debug)]
pub struct Stories<'a>(&'a [Rc<Chain>]);

impl Stories<'_> {
    /// Its chains.
    pub fn chains(&self) -> &[Rc<Chain>] {
        self.0
    }

    /// For every chain, how many of its first tokens it shares with some chain before it on this side.
    fn shared_beginnings(self) -> Vec<usize> {
        let tokens: Vec<Vec<u32>> = self
            .0
            .iter()
            .map(|chain| chain.tokens().collect())
            .collect();
        (0..tokens.len())
            .map(|chain| {
                let alike = |earlier: &Vec<u32>| {
                    earlier
                        .iter()
                        .zip(&tokens[chain])
                        .take_while(|(a, b)| a == b)
                        .count()
                };
                tokens[..chain].iter().map(alike).max().unwrap_or(0)
            })
            .collect()
    }

    /// At every position, how many different beginnings up to and with it there are; a chain that has ended counts as a whole.
    pub fn beginnings(self) -> Vec<usize> {
        let shared = self.shared_beginnings();
        let longest = self.0.iter().map(|chain| chain.len()).max().unwrap_or(0);
        (1..=longest)
            .map(|tokens| {
                let first_to_begin_so =
                    |(chain, shared): &(&Rc<Chain>, &usize)| **shared < tokens.min(chain.len());
                self.0.iter().zip(&shared).filter(first_to_begin_so).count()
            })
            .collect()
    }

    /// Mean entropy (bits) of the distributions picked from, by position, over the chains that reach it.
    pub fn mean_entropy_bits(self) -> Vec<f64> {
        let longest = self.0.iter().map(|chain| chain.len()).max().unwrap_or(0);
        (0..longest)
            .map(|position| {
                let reached = self
                    .0
                    .iter()
                    .filter_map(|chain| chain.measures().get(position));
                let (sum, count) = reached.fold((0.0, 0.0), |(sum, count), measure| {
                    (sum + f64::from(measure.entropy_bits), count + 1.0)
                });
                sum / count
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detokenizer() -> Detokenizer {
        Detokenizer::new((0..=255).map(|byte| vec![byte]).collect(), 300, 301, 64)
    }

    fn pick(chain: u32, position: u32, token: u8, entropy_bits: f32) -> Pick {
        Pick {
            chain,
            position,
            token: token.into(),
            surprisal_bits: 1.0,
            entropy_bits,
            last: false,
        }
    }

    fn swarm(texts: &[&str]) -> Swarm {
        let mut swarm = Swarm::of(texts.len() as u32, 1);
        for (chain, text) in texts.iter().enumerate() {
            for (position, byte) in text.bytes().enumerate() {
                swarm.step(
                    &[pick(chain as u32, position as u32, byte, position as f32)],
                    &detokenizer(),
                );
            }
        }
        swarm
    }

    #[test]
    fn a_collapsed_swarm_has_one_continuation_all_shared() {
        let swarm = swarm(&["and so", "and so", "and so"]);
        let stories = swarm.sides().next().unwrap();
        assert_eq!(stories.shared_beginnings(), [0, 6, 6]);
        assert_eq!(stories.beginnings(), [1; 6]);
    }

    #[test]
    fn chains_share_the_longest_beginning_with_any_earlier_one() {
        let swarm = swarm(&["and so", "but no", "and we", "but nor"]);
        let stories = swarm.sides().next().unwrap();
        assert_eq!(stories.shared_beginnings(), [0, 0, 4, 6]);
        assert_eq!(stories.beginnings(), [2, 2, 2, 2, 3, 3, 4]);
    }

    #[test]
    fn the_mean_is_over_the_chains_that_reach_a_position() {
        let swarm = swarm(&["ab", "abcd"]);
        let stories = swarm.sides().next().unwrap();
        assert_eq!(stories.mean_entropy_bits(), [0.0, 1.0, 2.0, 3.0]);
    }

    #[test]
    fn a_pick_out_of_order_is_dropped() {
        let mut swarm = swarm(&["ab"]);
        swarm.step(
            &[
                pick(0, 5, b'x', 0.0),
                pick(9, 0, b'x', 0.0),
                pick(0, 2, b'c', 0.0),
            ],
            &detokenizer(),
        );
        assert_eq!(swarm.chain(0).unwrap().text(), "abc");
    }

    #[test]
    fn rewinding_keeps_what_the_worker_says() {
        let mut swarm = swarm(&["abc", "xyz"]);
        swarm.rewind(
            &[1, 3],
            &[vec![(2.0, 0.5)], vec![(2.0, 0.5); 3]],
            &detokenizer(),
        );
        let texts: Vec<String> = swarm.chains().iter().map(|chain| chain.text()).collect();
        assert_eq!(texts, ["a", "xyz"]);
        let stories = swarm.sides().next().unwrap();
        assert_eq!(stories.mean_entropy_bits(), [0.5; 3]);
    }

    #[test]
    fn each_side_is_measured_for_itself() {
        let mut swarm = Swarm::of(2, 2);
        for (chain, text) in ["no", "no", "no", "so"].into_iter().enumerate() {
            for (position, byte) in text.bytes().enumerate() {
                let pick = pick(chain as u32, position as u32, byte, chain as f32);
                swarm.step(&[pick], &detokenizer());
            }
        }
        let shared: Vec<Vec<usize>> = swarm.sides().map(Stories::shared_beginnings).collect();
        assert_eq!(shared, [[0, 2], [0, 0]]);
        let bits: Vec<f64> = swarm
            .sides()
            .map(|side| side.mean_entropy_bits()[1])
            .collect();
        assert_eq!(bits, [0.5, 2.5]);
    }
}
