//! What the page asks of the worker.
//!
//! The worker reads its inbox between tokens: a later [`Command::Shape`] replaces an earlier one that it has not yet
//! acted on.

use decoding::Shaping;
use serde::{Deserialize, Serialize};

use crate::{Chains, Lambda, Length};

/// Names one run of a swarm; the page counts upwards, and drops events of any run but the present one.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct RunId(pub u32);

/// A token that the reader put in place of the one the coin had picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forced {
    /// Which chain, from 0.
    pub chain: u32,
    /// Which generated token of that chain, from 0.
    pub position: u32,
    /// The token id that stands there, whatever the coin says, as long as the tokens before it stay.
    pub token: u32,
}

/// An adapter that an experiment asks beside the base.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// Its folder name under the model's `adapters/`.
    pub name: String,
    /// The KL budget that it was tuned under, nats a completion, where it has one.
    pub budget_nats: Option<f64>,
}

/// Page to worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Fetch the model folder (`config.json`, `tokenizer.json`, `model.safetensors`) and start the device that this
    /// worker was built for. Answered by `Progress` events, then `Ready` or `Unavailable`.
    Load {
        /// Address of the folder, ending in `/`.
        folder: String,
    },
    /// Read a prompt and send its next-token row: `Prompted`. An adapter that is not there yet is fetched first
    /// (`Progress`); one that cannot be used is a `Failed`.
    Prompt {
        /// The text, as typed.
        text: String,
        /// Folder name under the model's `adapters/`; the row of the tuned model is then sent, too.
        adapter: Option<String>,
    },
    /// Decode a swarm: `Prompted`, then `Step`s, then `Done`. Ends the run before it. Adapters as with `Prompt`.
    Generate {
        /// The page's name for this run.
        run: RunId,
        /// The text that every chain continues.
        prompt: String,
        /// Folder name under the model's `adapters/`; without one the base speaks alone.
        adapter: Option<String>,
        /// How much of the adapter is taken.
        lambda: Lambda,
        /// Whether the base tells every chain too: then chains `0..n` are the tuned model's, and chain `n + i` is the base's
        /// on the coins of chain `i`. Without an adapter it means nothing.
        compare: bool,
        /// How many chains; twice as many are told where they are compared.
        chains: Chains,
        /// Tokens a chain at most (a chain also ends at the end-of-text token).
        length: Length,
        /// Names the coins: `coin(seed, chain, position)`.
        seed: u64,
        /// The knobs.
        shaping: Shaping,
    },
    /// New knobs or another seed for the present run: every chain keeps its tokens up to the first position where the
    /// pick differs. Answered by `Rewound`, `Step`s and `Done`; a stopped run stays as it is, and nothing is said.
    Shape {
        /// The run that this is meant for.
        run: RunId,
        /// Which change of this run it is: `Generate` is turn 0, and every `Shape` or `Force` counts one further. The
        /// answers carry it, so that the page can tell an answer to its last word from one to an earlier word.
        turn: u32,
        /// The knobs from now on.
        shaping: Shaping,
        /// How much of the adapter is taken from now on.
        lambda: Lambda,
        /// The coins from now on.
        seed: u64,
    },
    /// Put a token of the reader's choice into a chain and continue from there; later forced tokens of that chain go. When
    /// a later `Shape` changes a token before it, it goes too. Answered like `Shape`; also where the chain has no such
    /// place, and then a `Failed` says so.
    Force {
        /// The run that this is meant for.
        run: RunId,
        /// Which change of this run it is, counted as in `Shape`.
        turn: u32,
        /// Where, and which token.
        forced: Forced,
    },
    /// Send the logits from which a token was picked: `Row`.
    Look {
        /// The run that this is meant for.
        run: RunId,
        /// Which chain, from 0.
        chain: u32,
        /// Which generated token, from 0; its row is the one that it was picked from.
        position: u32,
    },
    /// Run one of the `experiments`, at its quick size: `Experiment`s, then `Concluded`, or a `Failed`. A swarm that is being
    /// told waits meanwhile. Adapters and what the experiments ask are fetched first, where they are not there yet.
    Experiment {
        /// The page's name for this run; no swarm has the same.
        run: RunId,
        /// The experiment's name.
        name: String,
        /// What is asked beside the base.
        adapters: Vec<Asked>,
        /// The reader's knobs.
        shaping: Shaping,
        /// The reader's realignment.
        lambda: Lambda,
        /// Names the coins.
        seed: u64,
    },
    /// End the present run, or the experiment of that name, where it stands: `Done` or `Concluded` with `Ending::Stopped`. What is
    /// over already stays as it is.
    Stop {
        /// The run that this is meant for.
        run: RunId,
    },
}
