//! One chain as a line of text, token by token. Blocks of words redraw on their own, so a new token costs one block.

use yew::prelude::*;

use super::same::Same;
use crate::state::{BLOCK, Chain, Side, Word};

/// A token's class by its surprisal in whole bits.
const TINTS: [&str; 9] = ["b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8"];

#[derive(Clone, PartialEq, Properties)]
pub struct ChainProps {
    pub number: u32,
    pub chain: Same<Chain>,
    /// Which story it tells, from 0.
    pub story: u32,
    /// Who tells it, where two are compared.
    pub side: Option<Side>,
    /// How many of its first tokens an earlier chain of its side has too.
    pub shared: usize,
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
        shared,
        open,
        running,
    } = props;
    let same = chain.done && *shared == chain.len();
    let block = |(index, words): (usize, &std::rc::Rc<Vec<Word>>)| {
        let first = index * BLOCK;
        let shared = shared.saturating_sub(first).min(BLOCK);
        let open = open
            .map(|open| open as usize)
            .filter(|open| (first..first + BLOCK).contains(open));
        html! { <Block key={index} words={Same::from(words)} {first} {shared} {open} /> }
    };
    html! {
        <div class={classes!("row", same.then_some("same"), (*side == Some(Side::Base)).then_some("base"))}>
            if let Some(side) = side {
                <span class="who">{ format!("story {}, {}", story + 1, if *side == Side::Base { "base" } else { "tuned" }) }</span>
            }
            <span class="no" aria-hidden="true">{ story + 1 }</span>
            <p class="chain" data-testid="chain" data-chain={number.to_string()} data-state={if *running { "running" } else { "done" }}>
                { for chain.blocks().iter().enumerate().map(block) }
            </p>
        </div>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct BlockProps {
    words: Same<Vec<Word>>,
    first: usize,
    shared: usize,
    open: Option<usize>,
}

#[component]
fn Block(props: &BlockProps) -> Html {
    let BlockProps {
        words,
        first,
        shared,
        open,
    } = props;
    let word = |(index, word): (usize, &Word)| {
        let position = first + index;
        let class = if index < *shared {
            "old"
        } else {
            TINTS[usize::from(word.tint).min(TINTS.len() - 1)]
        };
        let open = *open == Some(position);
        let ends_line = word.text.contains('\n');
        let class = if open || ends_line {
            classes!(
                class,
                open.then_some("open"),
                ends_line.then_some("line-end")
            )
        } else {
            Classes::from(class)
        };
        html! { <s {class} data-at={position.to_string()}>{ AttrValue::from(word.text.clone()) }</s> }
    };
    html! { <>{ for words.iter().enumerate().map(word) }</> }
}
