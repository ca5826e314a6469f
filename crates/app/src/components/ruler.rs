//! The cumulative ruler: all possible tokens laid end to end from 0 to 1, and the coin that falls on one of them.

use yew::prelude::*;

use super::same::Same;
use crate::{figures::next_token::NextToken, state::Language};

/// A piece narrower than this share of the ruler has no room for its name.
const NAMED: f64 = 0.05;

/// Tints by rank.
const TINTS: [&str; 9] = ["r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8"];

#[derive(Clone, PartialEq, Properties)]
pub struct RulerProps {
    pub next: NextToken,
    pub language: Same<Language>,
}

/// The ruler.
#[component]
pub fn Ruler(props: &RulerProps) -> Html {
    let RulerProps { next, language } = props;
    let picked = language.visible(next.picked);
    let label = format!(
        "Ruler from 0 to 1: the coin, {:.3}, falls on {picked}",
        next.coin
    );
    let end = next.ruler.last().map_or(0.0, |piece| piece.end);
    // Every piece reaches to the right end and is covered by those after it: a knob moves them by transforms, without layout.
    let from = |start: f64| format!("transform:translateX({:.3}%)", 100.0 * start);
    let pieces = next.ruler.iter().enumerate().map(|(rank, piece)| {
        let picked = (piece.id == next.picked).then_some("picked");
        html! {
            <span class={classes!(TINTS[rank.min(TINTS.len() - 1)], picked)} style={from(piece.start)}>
                if piece.end - piece.start >= NAMED { { language.visible(piece.id) } }
            </span>
        }
    });
    html! {
        <div class="ruler" role="img" aria-label={label}>
            <div>
                { for pieces }
                <span class="rest" style={from(end)}>
                    if 1.0 - end >= NAMED { { "the rest" } }
                </span>
            </div>
            <i class="coin" style={format!("left:{:.3}%", 100.0 * next.coin)} />
        </div>
    }
}
