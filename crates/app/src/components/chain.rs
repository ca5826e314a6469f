//! One chain as a line of text, token by token: coloured by surprisal or by sentiment, words of attractors underlined. Blocks of words redraw on their own, so a new token costs one block.

use std::rc::Rc;

use yew::prelude::*;

use super::ptr_eq::PtrEq;
use crate::{
    figures::{
        endings::{ChainEnding, Mark},
        sentiment::{Sentiment, tint},
        shared::StoryShared,
    },
    state::{BLOCK, Chain, Side, Word},
};

/// A token's class by its surprisal in whole bits.
const TINTS: [&str; 9] = ["b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8"];

#[derive(Clone, PartialEq, Properties)]
pub struct ChainProps {
    pub number: u32,
    pub chain: PtrEq<Chain>,
    /// Which story it tells, from 0.
    pub story: u32,
    /// Who tells it, where two are compared.
    pub side: Option<Side>,
    /// How it ends, and the name of the attractor that it ends in, or nothing.
    pub ending: Option<(PtrEq<ChainEnding>, AttrValue)>,
    /// What people call the attractors.
    pub kinds: PtrEq<Vec<AttrValue>>,
    /// What its words are coloured by, where that is sentiment.
    pub sentiment: Option<PtrEq<Sentiment>>,
    /// What other chains of its side have too.
    pub shared: PtrEq<StoryShared>,
    /// The position of the opened token, if it is in this chain.
    pub open: Option<u32>,
    /// Whether tokens may follow.
    pub running: bool,
}

/// One chain. Its text content is the continuation and nothing else.
#[component]
pub fn ChainLine(props: &ChainProps) -> Html {
    let ChainProps {
        number,
        chain,
        story,
        side,
        ending,
        kinds,
        sentiment,
        shared,
        open,
        running,
    } = props;
    let same = chain.done && shared.repeats;
    let block = |(index, words): (usize, &Rc<Vec<Word>>)| {
        let first = index * BLOCK;
        let shared = shared.blocks.get(index).copied().unwrap_or_default();
        let open = open
            .map(|open| open as usize)
            .filter(|open| (first..first + BLOCK).contains(open));
        let marks = ending
            .as_ref()
            .and_then(|(ending, _)| ending.blocks.get(index).cloned());
        let sentiment = sentiment
            .as_ref()
            .map(|sentiment| sentiment.blocks[index].clone());
        html! { <Block key={index} words={PtrEq::from(words)} {first} {shared} {open} {marks} kinds={kinds.clone()} {sentiment} /> }
    };
    html! {
        <div class={classes!("row", same.then_some("same"), (*side == Some(Side::Base)).then_some("base"))}>
            if let Some(side) = side {
                <span class="who">{ format!("story {}, {}", story + 1, if *side == Side::Base { "base" } else { "tuned" }) }</span>
            }
            <span class="no" aria-hidden="true">{ story + 1 }</span>
            <p class={classes!("chain", end_mark(chain))} data-testid="chain" data-chain={number.to_string()} data-state={if *running { "running" } else { "done" }}
                data-ended={chain.ended.to_string()} data-attractor={ending.as_ref().map(|(_, ends_in)| ends_in.clone())}
                data-log-odds={sentiment.as_ref().map(|sentiment| sentiment.log_odds.to_string())}>
                { for chain.blocks().iter().enumerate().map(block) }
            </p>
            if let Some(sentiment) = sentiment {
                <b class="score" title="Sentiment score of this story, log-odds in nats">{ format!("{:+.2}", sentiment.log_odds) }</b>
            }
        </div>
    }
}

/// The class of a story that ended at once, or was cut: the style sheet says so behind its text.
fn end_mark(chain: &Chain) -> Option<&'static str> {
    let is_empty = || chain.words().all(|word| word.text.trim().is_empty());
    match (chain.done, chain.ended) {
        (true, true) if is_empty() => Some("ended-at-once"),
        (true, false) => Some("cut"),
        _ => None,
    }
}

#[derive(Clone, PartialEq, Properties)]
struct BlockProps {
    words: PtrEq<Vec<Word>>,
    first: usize,
    /// Which words are shared, the first in the lowest bit.
    shared: u16,
    open: Option<usize>,
    /// The phrases that words belong to.
    marks: Option<Rc<[Option<Mark>]>>,
    kinds: PtrEq<Vec<AttrValue>>,
    /// What each word adds, nats.
    sentiment: Option<Rc<[f64]>>,
}

#[component]
fn Block(props: &BlockProps) -> Html {
    let BlockProps {
        words,
        first,
        shared,
        open,
        marks,
        kinds,
        sentiment,
    } = props;
    let word = |(index, word): (usize, &Word)| {
        let position = first + index;
        let adds = sentiment
            .as_ref()
            .and_then(|sentiment| sentiment.get(index).copied());
        let class = match adds {
            Some(adds) => tint(adds),
            None if shared >> index & 1 == 1 => "shared",
            None => TINTS[usize::from(word.tint).min(TINTS.len() - 1)],
        };
        let open = *open == Some(position);
        let ends_line = word.text.contains('\n');
        let mark = marks.as_ref().and_then(|marks| *marks.get(index)?);
        let class = if open || ends_line || mark.is_some() {
            classes!(
                class,
                open.then_some("open"),
                ends_line.then_some("line-end"),
                mark.map(|mark| if mark.in_ending {
                    "mark ending"
                } else {
                    "mark"
                })
            )
        } else {
            Classes::from(class)
        };
        let adds = adds.filter(|adds| *adds != 0.0);
        let kind = || mark.and_then(|mark| kinds.get(mark.attractor).cloned());
        let title = adds.map_or_else(kind, |adds| Some(format!("{adds:+.3} nats").into()));
        // Another token is another element: what a browser's translation has put into the old one goes with it.
        let key = u64::from(word.token) << 32 | position as u64;
        html! { <span {key} {class} {title} data-at={position.to_string()}>{ AttrValue::from(word.text.clone()) }</span> }
    };
    html! { <>{ for words.iter().enumerate().map(word) }</> }
}
