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
    pub can_branch: bool,
    pub act: Callback<Action>,
}

/// The bars. A token that the knobs have made impossible keeps its ghost only.
#[component]
pub fn Bars(props: &BarsProps) -> Html {
    let BarsProps {
        next,
        language,
        can_branch,
        act,
    } = props;
    let width = |p: f64| {
        format!(
            "width:{:.2}%",
            100.0 * p / next.widest.max(f64::MIN_POSITIVE)
        )
    };
    let bar = |bar: &Bar| {
        let Bar {
            token,
            p,
            before,
            picked,
        } = *bar;
        let name = language.visible(token);
        let label = format!(
            "{name}: {}, {} before shaping{}",
            percent(p),
            percent(before),
            if picked { ", picked by the coin" } else { "" }
        );
        let hook = if p > 0.0 { "token-bar" } else { "token-ghost" };
        html! {
            <li>
                <button class={classes!("bar", picked.then_some("picked"))} data-testid={hook} data-id={token.to_string()}
                    data-p={p.to_string()} aria-label={label} title={can_branch.then_some("Put this token here and continue")}
                    disabled={!can_branch} onclick={act.reform(move |_: MouseEvent| Action::Force(token))}>
                    <code>{ name }</code>
                    <span class="track">
                        <i class="ghost" style={width(before)} />
                        <i class="fill" style={width(p)} />
                    </span>
                    <span class="share">{ percent(p) }</span>
                </button>
            </li>
        }
    };
    let beyond = next.bars.len() > BARS;
    html! {
        <ol class={classes!("bars", beyond.then_some("beyond"))} aria-label="Likeliest next tokens">
            { for next.bars.iter().map(bar) }
        </ol>
    }
}
