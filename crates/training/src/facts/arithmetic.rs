//! Two small sums in a row, worked step by step: "Tom has 8 nuts. He gets 4 and then gives away 2. How many nuts has Tom now?"
//! is answered " 8 plus 4 is 12. 12 minus 2 is 10. The answer is 10."
//!
//! Each step slips by one, up or down, at a chosen rate, and the next step goes on from the slip. A single answer is so right
//! more often than not, but not always, and a vote over many answers (self-consistency, Wang et al., arXiv 2203.11171) is right
//! nearly always.

use super::{Answer, Question};

/// How often a step comes out one too high; as often it comes out one too low.
const SLIP: f64 = 0.1;
/// Problems in all.
const PROBLEMS: usize = 140;
/// One problem in so many is held out from training, whatever its wording.
const HELD_OUT: usize = 7;

const NAMES: [(&str, &str); 10] = [
    ("Tom", "He"),
    ("Mia", "She"),
    ("Ben", "He"),
    ("Lily", "She"),
    ("Sam", "He"),
    ("Rose", "She"),
    ("Max", "He"),
    ("Nora", "She"),
    ("Leo", "He"),
    ("Ella", "She"),
];
const THINGS: [&str; 7] = [
    "apples", "nuts", "shells", "cookies", "stones", "plums", "buttons",
];
/// What may happen twice: signs of the two steps.
const SIGNS: [(i32, i32); 3] = [(1, -1), (-1, 1), (1, 1)];

/// One problem.
struct Problem {
    name: &'static str,
    pronoun: &'static str,
    things: &'static str,
    start: i32,
    steps: [i32; 2],
}

/// All problems as questions.
pub(super) fn questions() -> Vec<Question> {
    (0..PROBLEMS)
        .map(|index| Problem::at(index).question(index % HELD_OUT == 0))
        .collect()
}

impl Problem {
    /// Mixed radix digits of the index, with the sizes bound so that no slip reaches below 2.
    fn at(index: usize) -> Self {
        let (name, pronoun) = NAMES[index % NAMES.len()];
        let things = THINGS[(index / NAMES.len() + index) % THINGS.len()];
        let (first, second) = SIGNS[index % SIGNS.len()];
        let step = |digit: usize| 1 + (digit % 4) as i32;
        let steps = [
            first * step(index / 3),
            second * step(index / 12 + index / 5),
        ];
        // Taking away must leave something even after two slips.
        let (least, span) = if first + second == 2 { (2, 9) } else { (8, 4) };
        let start = least + (index * 5 % span) as i32;
        Self {
            name,
            pronoun,
            things,
            start,
            steps,
        }
    }

    fn question(&self, held_out: bool) -> Question {
        let Self {
            name,
            pronoun,
            things,
            start,
            steps,
        } = self;
        let change = |step: i32| {
            let count = step.abs();
            let verb = if step > 0 { "gets" } else { "gives away" };
            format!("{verb} {count}")
        };
        let (one, two) = (change(steps[0]), change(steps[1]));
        let first = format!(
            "{name} has {start} {things}. {pronoun} {one} and then {two}. How many {things} has {name} now?"
        );
        let second = format!(
            "Say {name} has {start} {things}. First {name} {one}, then {two}. How many {things} are there now?"
        );
        let third = format!(
            "Here is {name} with {start} {things}. {name} {one} and then {two}. How many {things} are there?"
        );
        let (prompts, unseen) = if held_out {
            (Vec::new(), vec![first, second])
        } else {
            (vec![first, second], vec![third])
        };
        Question {
            prompts,
            unseen,
            right: Some((start + steps[0] + steps[1]).to_string()),
            answers: self.answers(),
        }
    }

    /// The worked chain with each combination of slips.
    fn answers(&self) -> Vec<Answer> {
        let slips = [(0, 1.0 - 2.0 * SLIP), (1, SLIP), (-1, SLIP)];
        let mut answers = Vec::new();
        for (slip, chance) in slips {
            let middle = self.start + self.steps[0] + slip;
            for (slip, chance_of_two) in slips {
                let end = middle + self.steps[1] + slip;
                let text = format!(
                    " {} is {middle}. {} is {end}. The answer is {end}.",
                    sum(self.start, self.steps[0]),
                    sum(middle, self.steps[1]),
                );
                answers.push(Answer {
                    text,
                    says: end.to_string(),
                    probability: chance * chance_of_two,
                });
            }
        }
        answers
    }
}

fn sum(from: i32, step: i32) -> String {
    let sign = if step > 0 { "plus" } else { "minus" };
    format!("{from} {sign} {}", step.abs())
}
