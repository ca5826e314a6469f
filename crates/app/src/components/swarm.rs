//! The swarm panel: every chain as a line of text, and what can be said of all of them.

use protocol::DeviceKind;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlElement, KeyboardEvent};
use yew::prelude::*;

use super::{chain::ChainLine, same::Same, series::Series};
use crate::{
    engine::choice::name,
    figures::numbers::{decimal, grouped, significant},
    state::{Action, Swarm, Terms},
};

#[derive(Clone, PartialEq, Properties)]
pub struct SwarmProps {
    pub swarm: Same<Swarm>,
    /// The opened token: chain and position.
    pub open: Option<(u32, u32)>,
    pub can_open: bool,
    pub running: bool,
    /// The terms of the recording, while one is shown.
    pub recorded: Option<Terms>,
    /// Why the stories are not those of the present settings.
    pub stale: Option<String>,
    pub device: Option<DeviceKind>,
    /// Tokens a chain at most.
    pub length: u32,
    pub tokens_per_second: f32,
    pub act: Callback<Action>,
}

/// The swarm panel.
#[component]
pub fn SwarmPanel(props: &SwarmProps) -> Html {
    let SwarmProps {
        swarm,
        open,
        can_open,
        running,
        recorded,
        stale,
        device,
        length,
        tokens_per_second,
        act,
    } = props;
    let chains = swarm.chains();
    let shared = use_memo(swarm.clone(), |swarm| swarm.shared());
    let list = use_node_ref();

    let click = {
        let act = act.clone();
        Callback::from(move |event: MouseEvent| {
            if let Some((chain, position)) =
                event.target_dyn_into::<Element>().as_ref().and_then(place)
            {
                act.emit(Action::Open { chain, position });
            }
        })
    };
    let walk = {
        let (act, list) = (act.clone(), list.clone());
        Callback::from(move |event: KeyboardEvent| {
            let Some(list) = list.cast::<Element>() else {
                return;
            };
            let at = event.target_dyn_into::<Element>().as_ref().and_then(place);
            let next = match (event.key().as_str(), at) {
                ("Enter" | " ", Some((chain, position))) => {
                    event.prevent_default();
                    return act.emit(Action::Open { chain, position });
                }
                ("Escape", _) => return act.emit(Action::Close),
                ("ArrowRight" | "ArrowDown", None) => (0, 0),
                ("ArrowRight", Some((chain, position))) => (chain, position + 1),
                ("ArrowLeft", Some((chain, position))) => (chain, position.saturating_sub(1)),
                ("ArrowDown", Some((chain, position))) => (chain + 1, position),
                ("ArrowUp", Some((chain, position))) => (chain.saturating_sub(1), position),
                _ => return,
            };
            event.prevent_default();
            focus_on(&list, next);
        })
    };

    let distinct = swarm.distinct();
    let title = match (chains.len(), distinct) {
        (0, _) => "Stories".to_owned(),
        (1, _) => "One story".to_owned(),
        (n, _) if swarm.tokens() == 0 => format!("{n} stories"),
        (n, 1) => format!("{n} stories, all the same"),
        (n, distinct) => format!("{n} stories, {distinct} different"),
    };
    html! {
        <section class="swarm" aria-labelledby="swarm-title">
            <h2 id="swarm-title">
                <span data-testid="distinct" data-value={distinct.to_string()}>{ title }</span>
                if let Some(terms) = recorded {
                    <span class="recorded">
                        { format!("recorded run at T = {}, s = {}", significant(terms.shaping.temperature()), significant(terms.shaping.logit_scale())) }
                    </span>
                }
                if let Some(stale) = stale { <span class="recorded">{ stale }</span> }
                <span class="speed" hidden={*tokens_per_second == 0.0}>
                    <b data-testid="tokens-per-second" data-value={tokens_per_second.to_string()}>{ grouped(tokens_per_second.round() as u64) }</b>
                    { " tokens/s" }
                    if let Some(device) = device { { format!(" on {}", name(*device)) } }
                </span>
                if *can_open { <span class="key">{ "click a token to open it, an alternative above to branch" }</span> }
            </h2>
            if chains.is_empty() {
                <p class="waiting">{ "Here every story appears, word by word, once the model is here." }</p>
            } else {
                <div class="pair">
                    <div class={classes!("chains", running.then_some("running"), can_open.then_some("live"))} ref={list} role="group"
                        tabindex="0" aria-label="Stories. Arrow keys walk over the tokens, Enter opens one, Escape goes back to the prompt."
                        onclick={click} onkeydown={walk}>
                        { for chains.iter().enumerate().map(|(number, chain)| {
                            let number = number as u32;
                            let open = open.and_then(|(chain, position)| (chain == number).then_some(position));
                            html! { <ChainLine key={number} {number} chain={Same::from(chain)} shared={shared[number as usize]} {open}
                                running={*running && !chain.done} /> }
                        }) }
                    </div>
                    <Sides swarm={swarm.clone()} length={*length} />
                </div>
            }
        </section>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct SidesProps {
    swarm: Same<Swarm>,
    length: u32,
}

/// Beside the stories: the legend, and what is measured by position.
#[component]
fn Sides(props: &SidesProps) -> Html {
    let SidesProps { swarm, length } = props;
    let entropy = swarm.mean_entropy_bits();
    let beginnings: Vec<f64> = swarm
        .beginnings()
        .into_iter()
        .map(|count| count as f64)
        .collect();
    let top_bits = entropy.iter().copied().fold(1.0, f64::max).ceil();
    let mean = if entropy.is_empty() {
        0.0
    } else {
        entropy.iter().sum::<f64>() / entropy.len() as f64
    };
    let at_end = beginnings.last().copied().unwrap_or(0.0);
    let chains = swarm.chains().len();
    html! {
        <aside>
            <figure class="legend">
                <figcaption>{ "Surprisal of a token, bits" }</figcaption>
                <p aria-hidden="true">
                    { for (0..=8).map(|bits| html! { <s class={format!("b{bits}")}>{ if bits == 8 { "8+".to_owned() } else { bits.to_string() } }</s> }) }
                </p>
                <small><s class="old">{ "grey" }</s>{ ": an earlier story has begun with the same words" }</small>
            </figure>
            <Series title="Mean entropy by token, bits" values={entropy} top={top_bits} positions={*length}
                says={format!("Mean entropy by token position; {} bits on average over positions.", decimal(mean))} />
            <Series title="Different beginnings by token" values={beginnings} top={chains as f64} positions={*length}
                says={format!("How many different beginnings the {chains} stories have by token position; {at_end} at the last position reached.")} />
        </aside>
    }
}

/// The chain and position that an element of the list stands for.
fn place(element: &Element) -> Option<(u32, u32)> {
    let position = element.get_attribute("data-at")?.parse().ok()?;
    let chain = element
        .closest("[data-chain]")
        .ok()??
        .get_attribute("data-chain")?
        .parse()
        .ok()?;
    Some((chain, position))
}

/// Moves the keyboard to a token; to the last one of its chain where that is shorter.
fn focus_on(list: &Element, (chain, position): (u32, u32)) {
    let exact = format!("[data-chain='{chain}'] [data-at='{position}']");
    let last = format!("[data-chain='{chain}'] [data-at]:last-of-type");
    let found = [exact, last]
        .iter()
        .find_map(|selector| list.query_selector(selector).ok().flatten());
    if let Some(token) = found.and_then(|token| token.dyn_into::<HtmlElement>().ok()) {
        // Only now can it take the keyboard: thousands of tokens are no stops on the way through the page.
        token.set_tab_index(-1);
        _ = token.focus();
    }
}
