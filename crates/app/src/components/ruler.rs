//! The cumulative ruler: all possible tokens laid end to end from 0 to 1, and the coin that falls on one of them.

use yew::prelude::*;

use super::same::Same;
use crate::{figures::next_token::NextToken, state::Language};

/// A piece narrower than this share of the ruler has no room for its name.
const NAMED: f64 = 0.05;

/// A piece narrower than this share is drawn without the gap after it.
const THIN: f64 = 0.004;

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
    let pieces = next.ruler.iter().enumerate().map(|(rank, piece)| {
        let share = piece.end - piece.start;
        let tint = 92 - rank.min(8) * 9;
        let style = format!("left:{:.3}%;width:{:.3}%;--tint:{tint}%", 100.0 * piece.start, 100.0 * share);
        html! {
            <span class={classes!((piece.id == next.picked).then_some("picked"), (share < THIN).then_some("thin"))} {style}>
                if share >= NAMED { { language.visible(piece.id) } }
            </span>
        }
    });
    html! {
        <div class="ruler" role="img" aria-label={label}>
            { for pieces }
            if end < 1.0 - 1e-9 {
                <span class="rest" style={format!("left:{:.3}%;width:{:.3}%", 100.0 * end, 100.0 * (1.0 - end))}>
                    if 1.0 - end >= NAMED { { "the rest" } }
                </span>
            }
            <i class="coin" style={format!("left:{:.3}%", 100.0 * next.coin)} />
        </div>
    }
}
