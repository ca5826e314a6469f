//! The technical terms of the page with their definitions, and where they occur in a text.

/// A term with its definition.
#[derive(Debug, PartialEq, Eq)]
pub struct Term {
    /// Short name, for element ids.
    pub key: &'static str,
    /// How it is written in texts, in lower case and without a plural s; the first is its own name.
    pub names: &'static [&'static str],
    /// What it means, for a first-year student.
    pub definition: &'static str,
}

const fn term(key: &'static str, names: &'static [&'static str], definition: &'static str) -> Term {
    Term {
        key,
        names,
        definition,
    }
}

/// All terms.
pub const TERMS: [Term; 40] = [
    term(
        "token",
        &["token"],
        "A piece of text that the model reads or writes in one step: a word, part of a word or a punctuation mark.",
    ),
    term(
        "logit",
        &["logit"],
        "The score that the model gives a token before scores are turned into probabilities. Adding the same number to all logits changes nothing.",
    ),
    term(
        "softmax",
        &["softmax"],
        "Turns logits into probabilities: each is e to the power of its logit, divided by the sum over all tokens.",
    ),
    term(
        "temperature",
        &["temperature"],
        "Divides all logits. Below 1 likely tokens become likelier; at 0 only the likeliest is left; above 1 the distribution flattens.",
    ),
    term(
        "logit-scale",
        &["logit scale"],
        "Multiplies all logits. It has the same effect as dividing the temperature by it.",
    ),
    term(
        "sharpness",
        &["sharpness", "inverse temperature"],
        "β = s / T. The probabilities depend on temperature and logit scale only through this ratio.",
    ),
    term(
        "entropy",
        &["entropy"],
        "How uncertain a distribution is, in bits: 0 if one token is certain, 3 bits if 8 tokens are equally likely.",
    ),
    term(
        "effective-choices",
        &["effective choice"],
        "2 to the power of the entropy: how many equally likely tokens would be as uncertain.",
    ),
    term(
        "surprisal",
        &["surprisal"],
        "How unexpected a token was: −log2 of its probability, in bits. 1 bit is a fair coin, 10 bits one in a thousand.",
    ),
    term(
        "bit",
        &["bit"],
        "A unit of information: the answer to one fair yes-or-no question.",
    ),
    term(
        "nat",
        &["nat"],
        "A unit of information like the bit, with the natural logarithm: 1 nat ≈ 1.44 bits.",
    ),
    term(
        "kl",
        &["kl divergence", "kullback-leibler divergence", "kl"],
        "Kullback-Leibler divergence: how far one distribution has moved from another. 0 if they are equal. Here: from the base model.",
    ),
    term(
        "kl-budget",
        &["kl budget"],
        "How far the tuned model may drift from the base model, as a KL divergence over a whole story, in nats.",
    ),
    term(
        "kl-penalty",
        &["kl penalty"],
        "What training subtracts from the reward for drifting from the base model.",
    ),
    term(
        "base",
        &["base model"],
        "The model as trained on stories, before any fine-tuning.",
    ),
    term(
        "tuned",
        &["tuned model"],
        "The base model with an adapter: it was trained further to earn a reward.",
    ),
    term(
        "adapter",
        &["adapter", "lora"],
        "A small set of extra weights (LoRA) that changes what the model does, here trained by reinforcement learning.",
    ),
    term(
        "fine-tuning",
        &["fine-tuning", "sft"],
        "Training a finished model further, on examples (SFT) or for a reward.",
    ),
    term(
        "rl",
        &["reinforcement learning", "rl"],
        "Training by reward: the model writes, a reward model scores, and the weights move towards what scored well.",
    ),
    term(
        "reward",
        &["reward model"],
        "What scores texts during reinforcement learning. The tuned model learns to please it, including its mistakes.",
    ),
    term(
        "lambda",
        &["λ", "lambda", "realignment"],
        "How much of the tuning is applied: 0 is the base model, 1 the tuned model, beyond 1 exaggerates the change.",
    ),
    term(
        "attractor",
        &["attractor"],
        "A kind of ending that many stories fall into, whatever their beginning.",
    ),
    term(
        "mode-collapse",
        &["mode collapse"],
        "Many different outputs become few: the model always says nearly the same.",
    ),
    term(
        "random-draw",
        &["random draw"],
        "A random number from 0 to 1 that picks the token: tokens are laid end to end by probability, and the number falls on one of them. The same seed gives the same numbers.",
    ),
    term(
        "seed",
        &["random seed"],
        "Names the sequence of random draws. The same seed gives the same stories.",
    ),
    term(
        "greedy",
        &["greedy"],
        "Always taking the likeliest token: temperature 0.",
    ),
    term("top-k", &["top-k"], "Keeps only the k likeliest tokens."),
    term(
        "top-p",
        &["top-p", "nucleus sampling"],
        "Keeps the likeliest tokens whose probabilities together reach p, and drops the rest.",
    ),
    term(
        "calibration",
        &["calibration", "calibrated"],
        "Whether probabilities come true: of all things called 70% likely, 70% should happen.",
    ),
    term(
        "ece",
        &["expected calibration error", "calibration error", "ece"],
        "Expected calibration error: how far stated probabilities are from how often they come true, on average.",
    ),
    term(
        "brier",
        &["brier score", "brier"],
        "The mean squared error of stated probabilities; 0 is perfect.",
    ),
    term(
        "log-loss",
        &["log loss", "cross-entropy"],
        "The average surprisal of what really happened. Lower is better; perfect odds reach the entropy of the truth.",
    ),
    term(
        "log-odds",
        &["log-odds"],
        "The logarithm of p / (1 − p): 0 is fifty-fifty, positive means more likely than not.",
    ),
    term(
        "sentiment",
        &["sentiment score", "sentiment classifier"],
        "How happy a text sounds to a simple classifier that adds up weights of words and word pairs.",
    ),
    term(
        "wilson",
        &["wilson interval", "wilson"],
        "A 95% interval for a share that was counted in a sample: how far the true share may lie from the counted one.",
    ),
    term(
        "interval",
        &["95% interval", "confidence interval"],
        "If the experiment were repeated many times, 95% of such intervals would contain the true value.",
    ),
    term(
        "bootstrap",
        &["bootstrap"],
        "Measures uncertainty by drawing the samples again, with repetition, many times.",
    ),
    term(
        "kaplan-meier",
        &["kaplan-meier"],
        "An estimate of how many have reached an event by a given time that also uses those watched for a shorter time.",
    ),
    term(
        "total-variation",
        &["total variation"],
        "Half the sum of the differences between two distributions' probabilities: 0 if equal, 1 if they share nothing.",
    ),
    term(
        "basin",
        &["basin"],
        "All starting points that lead to the same attractor.",
    ),
];

/// The term of this key.
pub fn find(key: &str) -> Option<&'static Term> {
    TERMS.iter().find(|term| term.key == key)
}

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Plain words.
    Text(&'a str),
    /// A term, as it is written there.
    Term(&'static Term, &'a str),
}

/// A text in pieces, each term marked where it first occurs. The pieces together are the text.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    let (mut start, mut at) = (0, 0);
    let mut inside_word = false;
    while let Some(letter) = text[at..].chars().next() {
        let found = (!inside_word).then(|| term_at(&text[at..])).flatten();
        if let Some((term, length)) = found {
            if !seen.contains(&term.key) {
                seen.push(term.key);
                if start < at {
                    pieces.push(Piece::Text(&text[start..at]));
                }
                pieces.push(Piece::Term(term, &text[at..at + length]));
                start = at + length;
            }
            at += length;
            inside_word = true;
        } else {
            inside_word = is_of_word(letter);
            at += letter.len_utf8();
        }
    }
    if start < text.len() {
        pieces.push(Piece::Text(&text[start..]));
    }
    pieces
}

/// The longest term with which a text begins, as a whole word or in the plural, and its length in bytes.
fn term_at(text: &str) -> Option<(&'static Term, usize)> {
    let written = |name: &str| -> Option<usize> {
        let head = text.get(..name.len())?;
        let is_name = head.eq_ignore_ascii_case(name);
        let plural = usize::from(text[name.len()..].starts_with('s'));
        let ends = |length: usize| !text[length..].starts_with(is_of_word);
        let length = [name.len(), name.len() + plural]
            .into_iter()
            .find(|length| ends(*length));
        length.filter(|_| is_name)
    };
    let named = TERMS
        .iter()
        .flat_map(|term| term.names.iter().map(move |name| (term, *name)));
    named
        .filter_map(|(term, name)| Some((term, written(name)?)))
        .max_by_key(|(_, length)| *length)
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn terms(text: &str) -> Vec<(&'static str, &str)> {
        let term = |piece: &Piece<'_>| match *piece {
            Piece::Term(term, written) => {
                Some((term.key, &text[text.find(written)?..][..written.len()]))
            }
            Piece::Text(_) => None,
        };
        pieces(text).iter().filter_map(term).collect()
    }

    #[test]
    fn a_term_is_marked_once_and_the_longest_name_counts() {
        let found = terms("A KL budget in nats: the KL divergence, again a KL budget.");
        assert_eq!(
            found,
            [
                ("kl-budget", "KL budget"),
                ("nat", "nats"),
                ("kl", "KL divergence")
            ]
        );
        assert_eq!(terms("Logits, a logit, 2 logits"), [("logit", "Logits")]);
        assert_eq!(terms("λ says how much"), [("lambda", "λ")]);
    }

    #[test]
    fn parts_of_other_words_are_no_terms() {
        for text in [
            "habits",
            "tokenise",
            "a naturalist",
            "girls",
            "natural",
            "orbit",
            "kl_bits",
        ] {
            assert_eq!(terms(text), [], "{text}");
        }
    }

    #[test]
    fn every_term_has_a_key_and_names_of_its_own() {
        let mut keys: Vec<&str> = TERMS.iter().map(|term| term.key).collect();
        let mut names: Vec<&str> = TERMS.iter().flat_map(|term| term.names).copied().collect();
        for all in [&mut keys, &mut names] {
            let count = all.len();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), count);
        }
        assert!(names.iter().all(|name| *name == name.to_lowercase()));
        assert_eq!(find("kl"), Some(&TERMS[11]));
    }

    proptest! {
        #[test]
        fn the_pieces_are_the_text(text in "([a-zKλ– ]{0,4}(token|logits|KL divergence|nat|top-k)?){0,6}") {
            let whole: String = pieces(&text).iter().map(|piece| match piece {
                Piece::Text(text) | Piece::Term(_, text) => *text,
            }).collect();
            prop_assert_eq!(whole, text);
        }
    }
}
