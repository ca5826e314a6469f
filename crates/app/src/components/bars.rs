//! The likeliest tokens as bars over the ghosts of the unshaped distribution. A bar is a button that forces its token.

use yew::prelude::*;

use super::same::Same;
use crate::{
    figures::{
        next_token::{BARS, Bar, NextToken},
        numbers::percent,
    },
    state::{Action, Language},
};

#[derive(Clone, PartialEq, Properties)]
pub struct BarsProps {
    pub next: NextToken,
    pub language: Same<Language>,
    pub can_force: bool,
    pub act: Callback<Action>,
}

/// The bars. A token that the knobs have made impossible keeps its ghost only.
#[component]
pub fn Bars(props: &BarsProps) -> Html {
    let BarsProps {
        next,
        language,
        can_force,
        act,
    } = props;
    // Both are moved by a transform, which costs no layout.
    let reach = |p: f64| {
        format!(
            "transform:translateX({:.2}%)",
            100.0 * (p / next.full - 1.0)
        )
    };
    let bar = |(rank, bar): (usize, &Bar)| {
        let Bar {
            token,
            p,
            before,
            picked,
        } = *bar;
        let name = language.visible(token);
        let hook = if p > 0.0 { "token-bar" } else { "token-ghost" };
        html! {
            <li class={(rank >= BARS).then_some("beyond")}>
                <button class={classes!("bar", picked.then_some("picked"))} data-testid={hook} data-id={token.to_string()}
                    data-p={p.to_string()} title={can_force.then_some("Put this token here and continue")}
                    disabled={!can_force} onclick={act.reform(move |_: MouseEvent| Action::Force(token))}>
                    <code>{ name }</code>
                    <span class="track">
                        <i class="ghost" style={reach(before)} />
                        <i class="fill" style={reach(p)} />
                    </span>
                    <span class="share">{ percent(p) }</span>
                    if picked { <span class="unseen">{ "picked by the coin" }</span> }
                </button>
            </li>
        }
    };
    html! {
        <ol class="bars" aria-label="Likeliest next tokens">{ for next.bars.iter().enumerate().map(bar) }</ol>
    }
}
