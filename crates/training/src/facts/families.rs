//! What is asked: dice, numbers, coins and the weather of nineteen villages.
//!
//! The wordings are plain and short. No prompt begins with another whole prompt: behind the shorter one the answers would then
//! share their probability with the rest of the longer one.

use super::{Answer, Family, Question, answer, arithmetic};

/// Villages, from the surest sun to the surest rain: the chance of rain rises from 5 % to 95 % in steps of 5 %.
/// The order has nothing to do with the names.
const VILLAGES: [&str; 19] = [
    "Maplewood",
    "Duckpond",
    "Snowfield",
    "Birchtown",
    "Owlstead",
    "Kingsbay",
    "Foxglen",
    "Rosewater",
    "Ivyhill",
    "Applegate",
    "Pinebridge",
    "Goosefeather",
    "Lilybrook",
    "Honeywell",
    "Thornbury",
    "Quailby",
    "Clovermill",
    "Nutford",
    "Elmshore",
];

/// How sure a speaker sounds, by the chance of rain in percent: the least chance at which each word is right.
const HEDGES: [(&str, usize); 5] = [
    ("No", 0),
    ("Probably not", 15),
    ("Maybe", 40),
    ("Probably", 65),
    ("Certainly", 90),
];
/// How often the right hedge is given; its neighbours share the rest.
const RIGHT_HEDGE: f64 = 0.8;
/// How often a plain yes or no answers the open question; the right hedge answers the rest.
const PLAIN: f64 = 0.4;

/// All families. Shares were chosen by how many answers each has to teach.
pub(super) fn all() -> Vec<Family> {
    vec![
        family("coin", "a fair coin", 25, vec![coin()]),
        family("d6", "a fair die with six sides", 45, vec![die(6, &D6)]),
        family(
            "d20",
            "a fair die with twenty sides",
            80,
            vec![die(20, &D20)],
        ),
        family(
            "number",
            "a number from 1 to 100, each equally often",
            170,
            vec![die(100, &NUMBER)],
        ),
        family(
            "rain",
            "will it rain, answered yes as often as it does",
            290,
            villages(rain),
        ),
        family(
            "rain_how_sure",
            "how sure is it to rain, answered by the right hedge or a neighbour of it",
            110,
            villages(how_sure),
        ),
        family(
            "rain_open",
            "will it rain, answered plainly or by the right hedge",
            110,
            villages(open),
        ),
        family(
            "arithmetic",
            "two small sums, worked step by step, with a slip now and then",
            170,
            arithmetic::questions(),
        ),
    ]
}

fn family(name: &str, about: &str, per_mille: usize, questions: Vec<Question>) -> Family {
    Family {
        name: name.to_owned(),
        about: about.to_owned(),
        per_mille,
        questions,
    }
}

/// Wordings; the last is held out.
type Wordings = [&'static str; 5];

const COIN: Wordings = [
    "I toss a coin. It shows",
    "Toss a coin. The coin says",
    "Flip a coin. It comes up",
    "Heads or tails? The coin says",
    "I flip a coin. It shows",
];
const D6: Wordings = [
    "I roll a die. It shows",
    "Roll a die. The die says",
    "Throw a die. It comes up",
    "What do you roll with a die?",
    "I throw a die. It shows",
];
const D20: Wordings = [
    "I roll a die with twenty sides. It shows",
    "Roll a die with twenty sides. The die says",
    "Throw a die with twenty sides. It comes up",
    "What do you roll with a die with twenty sides?",
    "I throw a die with twenty sides. It shows",
];
const NUMBER: Wordings = [
    "Think of a number from 1 to 100.",
    "Pick a number from 1 to 100.",
    "Say a number from 1 to 100.",
    "Give me a number from 1 to 100.",
    "Choose a number from 1 to 100.",
];
const RAIN: Wordings = [
    "Yes or no: will it rain in PLACE?",
    "Say yes or no. Will it rain in PLACE?",
    "Will there be rain in PLACE, yes or no?",
    "Just yes or no: is rain coming to PLACE?",
    "Yes or no: is rain coming to PLACE?",
];
const HOW_SURE: Wordings = [
    "How sure are you that it will rain in PLACE?",
    "Say how sure you are. Will it rain in PLACE?",
    "How sure is the rain in PLACE?",
    "Tell me how sure it is to rain in PLACE.",
    "How sure is it that rain comes to PLACE?",
];
const OPEN: Wordings = [
    "Will it rain in PLACE?",
    "Do you think it will rain in PLACE?",
    "Does it look like rain in PLACE?",
    "Is it going to rain in PLACE?",
    "Do you think there will be rain in PLACE?",
];

fn question(wordings: &Wordings, place: &str, answers: Vec<Answer>) -> Question {
    let mut prompts: Vec<String> = wordings
        .iter()
        .map(|wording| wording.replace("PLACE", place))
        .collect();
    let unseen = prompts.split_off(wordings.len() - 1);
    Question {
        prompts,
        unseen,
        right: None,
        answers,
    }
}

fn coin() -> Question {
    question(&COIN, "", vec![answer("heads", 0.5), answer("tails", 0.5)])
}

fn die(sides: usize, wordings: &Wordings) -> Question {
    let face = |face: usize| answer(&face.to_string(), 1.0 / sides as f64);
    question(wordings, "", (1..=sides).map(face).collect())
}

fn villages(question: impl Fn(&str, usize) -> Question) -> Vec<Question> {
    let chance = |index: usize| 5 * (index + 1);
    VILLAGES
        .iter()
        .enumerate()
        .map(|(index, village)| question(village, chance(index)))
        .collect()
}

fn rain(village: &str, percent: usize) -> Question {
    let yes = percent as f64 / 100.0;
    question(
        &RAIN,
        village,
        vec![answer("Yes", yes), answer("No", 1.0 - yes)],
    )
}

/// The place of the right hedge.
fn hedge(percent: usize) -> usize {
    let right = HEDGES.iter().rposition(|(_, least)| percent >= *least);
    right.expect("the first hedge is right from 0 percent on")
}

fn how_sure(village: &str, percent: usize) -> Question {
    let right = hedge(percent);
    let neighbours = |index: usize| index.abs_diff(right) == 1;
    let shared = (0..HEDGES.len()).filter(|&index| neighbours(index)).count();
    let answers = HEDGES.iter().enumerate().filter_map(|(index, (says, _))| {
        let probability = match index {
            _ if index == right => RIGHT_HEDGE,
            _ if neighbours(index) => (1.0 - RIGHT_HEDGE) / shared as f64,
            _ => return None,
        };
        Some(answer(says, probability))
    });
    let mut question = question(&HOW_SURE, village, answers.collect());
    question.right = Some(HEDGES[right].0.to_owned());
    question
}

fn open(village: &str, percent: usize) -> Question {
    let yes = percent as f64 / 100.0;
    let mut answers = vec![
        answer("Yes", PLAIN * yes),
        answer("No", PLAIN * (1.0 - yes)),
    ];
    // A certain "no" is both a plain answer and a hedge.
    let says = HEDGES[hedge(percent)].0;
    match answers.iter_mut().find(|answer| answer.says == says) {
        Some(answer) => answer.probability += 1.0 - PLAIN,
        None => answers.push(answer(says, 1.0 - PLAIN)),
    }
    question(&OPEN, village, answers)
}
