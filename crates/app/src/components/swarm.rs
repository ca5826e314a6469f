//! The swarm panel: every chain as a line of text, and what can be said of all of them.

use std::rc::Rc;

use attractors::{Attractor, Catalogue};
use protocol::DeviceKind;
use sentiment::Predictor;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlElement, KeyboardEvent};
use yew::prelude::*;

use super::{
    chain::ChainLine, debounce::use_debounced, endings::Endings,
    memo_per_chain::use_memo_per_chain, ptr_eq::PtrEq, series::Series, term::Defined,
};
use crate::{
    figures::{
        endings::{self, ChainEnding, chain_ending},
        sentiment::{STEPS, sentiment, tint},
        shared::{SideShared, side_shared},
    },
    numbers::{decimal, grouped},
    state::{Action, Colouring, More, Opened, Side, Stories, Swarm, device_name},
};

#[derive(Clone, PartialEq, Properties)]
pub struct SwarmProps {
    pub swarm: PtrEq<Swarm>,
    /// The opened token.
    pub open: Option<Opened>,
    /// What the adapter of these stories is called, if one is on.
    pub tuned: Option<AttrValue>,
    pub catalogue: Option<PtrEq<Catalogue>>,
    pub colouring: Colouring,
    pub predictor: Option<PtrEq<Predictor>>,
    pub can_open: bool,
    pub can_branch: bool,
    /// Whether tokens may follow. Cursors stand where they come already: a knob's first move must not lay all stories out anew.
    pub more: More,
    /// What is said of the recording, while one is shown.
    pub recorded: Option<AttrValue>,
    /// Why the stories are not those of the present settings.
    pub stale: Option<String>,
    pub device: Option<DeviceKind>,
    /// At most so many tokens per story.
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
        tuned,
        catalogue,
        colouring,
        predictor,
        can_open,
        can_branch,
        more,
        recorded,
        stale,
        device,
        length,
        tokens_per_second,
        act,
    } = props;
    let chains = swarm.chains();
    // Chain by chain, and of each side as a whole.
    let shared = use_memo(swarm.clone(), |swarm| {
        let sides = swarm.sides().map(|side| side_shared(side.chains()));
        sides.collect::<Vec<SideShared>>()
    });
    let names = use_memo(catalogue.clone(), |catalogue| {
        named(catalogue.as_deref(), |attractor| &attractor.name)
    });
    let kinds = use_memo(catalogue.clone(), |catalogue| {
        named(catalogue.as_deref(), |attractor| &attractor.title)
    });
    let by = catalogue.clone().map(|catalogue| (catalogue, *length));
    let endings = use_memo_per_chain(swarm, by, |(catalogue, length), chain| {
        chain_ending(catalogue, chain, *length)
    });
    let by = predictor
        .clone()
        .filter(|_| *colouring == Colouring::Sentiment);
    let scores = use_memo_per_chain(swarm, by, |predictor, chain| sentiment(predictor, chain));
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

    let title = title(swarm, &shared, &endings, *more, tuned.as_deref());
    // Read out once the stories are there, and not with every token or move of a knob.
    let result = (*more == More::No && recorded.is_none()).then(|| title.clone());
    let result = use_debounced(&result);
    let compared = shared.len() > 1;
    let line = |chain: usize| {
        let story = chain % swarm.stories();
        let side = match chain / swarm.stories() {
            0 => Side::Tuned,
            _ => Side::Base,
        };
        let open = open
            .filter(|open| open.chain as usize == chain)
            .map(|open| open.position);
        let ending = endings.get(chain).map(|ending| {
            let ends_in = ending.story.attractor();
            let ends_in = ends_in.and_then(|attractor| names.get(attractor).cloned());
            (PtrEq::from(ending), ends_in.unwrap_or_default())
        });
        let shared = &shared[chain / swarm.stories()].stories[story];
        let sentiment = scores.get(chain).map(PtrEq::from);
        html! {
            <ChainLine key={chain} number={chain as u32} chain={PtrEq::from(&chains[chain])} story={story as u32}
                side={compared.then_some(side)} {ending} kinds={PtrEq::from(&kinds)} {sentiment} shared={PtrEq::from(shared)} {open} running={*more != More::No && !chains[chain].done} />
        }
    };
    let list_class = classes!(
        "chains",
        (*more == More::Coming).then_some("running"),
        can_open.then_some("live"),
        compared.then_some("compared"),
        (!scores.is_empty()).then_some("scored")
    );
    let by_sentiment = *colouring == Colouring::Sentiment;
    let colour = act.reform(move |_: MouseEvent| {
        Action::Colour(if by_sentiment {
            Colouring::Surprisal
        } else {
            Colouring::Sentiment
        })
    });
    html! {
        <section class="swarm" aria-labelledby="swarm-title">
            <h2>
                <span id="swarm-title" translate="no" data-testid="headline">{ title }</span>
                if let Some(recorded) = recorded { <span class="recorded" translate="no" data-testid="recorded">{ recorded }</span> }
                if let Some(stale) = stale { <span class="recorded" translate="no">{ stale }</span> }
                <span class="speed" translate="no" hidden={*tokens_per_second == 0.0}>
                    <b data-testid="tokens-per-second" data-value={tokens_per_second.to_string()}>{ grouped(tokens_per_second.round() as u64) }</b>
                    { " tokens/s" }
                    if let Some(device) = device { { format!(" on {}", device_name(*device)) } }
                </span>
                if *can_open {
                    <span class="key">
                        { "Click a token to see what else could have come" }
                        { if *can_branch { "; click an alternative to continue from there." } else { "." } }
                    </span>
                }
            </h2>
            <p class="unseen" role="status" translate="no">{ (*result).clone() }</p>
            <p class="colouring">
                <button data-testid="sentiment" aria-pressed={by_sentiment.to_string()} onclick={colour}>{ "Colour words by sentiment" }</button>
            </p>
            if chains.is_empty() {
                <p class="waiting">{ "Stories appear here, word by word, once the model has loaded." }</p>
            } else {
                <div class="pair">
                    <div class={list_class} ref={list} role="group" translate="no" style={format!("--tokens:{length}")}
                        tabindex="0" aria-label="Stories. Arrow keys move between tokens, Enter opens one, Escape returns to the prompt."
                        onclick={click} onkeydown={walk}>
                        if compared {
                            <h3>{ tuned.clone() }</h3>
                            <h3>{ "Base model, same random draws" }</h3>
                        }
                        // Story beside story.
                        { for (0..swarm.stories()).flat_map(|story| (story..chains.len()).step_by(swarm.stories())).map(line) }
                    </div>
                    <SwarmSummary swarm={swarm.clone()} length={*length} by_sentiment={!scores.is_empty()} catalogue={catalogue.clone()} endings={PtrEq::from(&endings)} />
                </div>
            }
        </section>
    }
}

/// What each attractor is called, in the catalogue's order.
fn named(catalogue: Option<&Catalogue>, name: impl Fn(&Attractor) -> &String) -> Vec<AttrValue> {
    let attractors = catalogue.into_iter().flat_map(Catalogue::attractors);
    attractors
        .map(|attractor| name(attractor).clone().into())
        .collect()
}

/// How many stories there are, how differently they end, and how much of their text is shared.
fn title(
    swarm: &Swarm,
    shared: &[SideShared],
    chains: &[Rc<ChainEnding>],
    more: More,
    tuned: Option<&str>,
) -> String {
    let stories = match swarm.stories() {
        0 => return "Stories".to_owned(),
        1 => "One story".to_owned(),
        n => format!("{n} stories"),
    };
    if swarm.tokens() == 0 {
        return stories;
    }
    let mut counted = chains.chunks(swarm.stories()).map(endings::endings);
    let mut lines = shared.iter().map(|side| {
        let endings = counted.next();
        // One story shares nothing with itself.
        let share = side.share.filter(|_| swarm.stories() > 1);
        let line = endings::headline(endings.as_ref(), share, more == More::Coming);
        if endings.is_some() {
            line
        } else {
            format!("{} distinct, {line}", side.distinct)
        }
    });
    match (lines.next(), lines.next()) {
        (Some(tuned_line), Some(base)) => {
            let name = tuned.unwrap_or("Tuned model");
            format!("{stories}. {name}: {tuned_line}. Base model: {base}.")
        }
        (Some(line), None) if !line.is_empty() => format!("{stories}: {line}"),
        _ => stories,
    }
}

#[derive(Clone, PartialEq, Properties)]
struct SwarmSummaryProps {
    swarm: PtrEq<Swarm>,
    length: u32,
    /// Whether words are coloured so, and not by surprisal.
    by_sentiment: bool,
    catalogue: Option<PtrEq<Catalogue>>,
    endings: PtrEq<Vec<Rc<ChainEnding>>>,
}

/// What is measured of one side by position.
struct ByPosition {
    entropy_bits: Vec<f64>,
    beginnings: Vec<f64>,
}

impl ByPosition {
    fn of(side: Stories) -> Self {
        let beginnings = side.beginnings().into_iter();
        Self {
            entropy_bits: side.mean_entropy_bits(),
            beginnings: beginnings.map(|count| count as f64).collect(),
        }
    }

    fn mean_bits(&self) -> f64 {
        let bits = &self.entropy_bits;
        bits.iter().sum::<f64>() / bits.len().max(1) as f64
    }

    fn at_end(&self) -> f64 {
        self.beginnings.last().copied().unwrap_or(0.0)
    }
}

/// Beside the stories: the legend, and what is measured by position.
#[component]
fn SwarmSummary(props: &SwarmSummaryProps) -> Html {
    let SwarmSummaryProps {
        swarm,
        length,
        by_sentiment,
        catalogue,
        endings,
    } = props;
    let mut sides = swarm.sides().map(ByPosition::of);
    let (Some(side), base) = (sides.next(), sides.next()) else {
        return html! {};
    };
    let top_bits = [Some(&side), base.as_ref()]
        .into_iter()
        .flatten()
        .flat_map(|side| &side.entropy_bits)
        .copied()
        .fold(1.0, f64::max)
        .ceil();
    let stories = swarm.stories();
    let (mean, at_end) = (decimal(side.mean_bits()), side.at_end());
    let (mean, at_end) = match &base {
        None => (format!("{mean} bits"), at_end.to_string()),
        Some(base) => (
            format!("{mean} bits, {} for the base,", decimal(base.mean_bits())),
            format!("{at_end}, and {} for the base,", base.at_end()),
        ),
    };
    let (base_entropy, base_beginnings) = match base {
        Some(base) => (Some(base.entropy_bits), Some(base.beginnings)),
        None => (None, None),
    };
    html! {
        <aside>
            <figure class="legend">
                if *by_sentiment { { sentiment_legend() } } else { { surprisal_legend() } }
                if catalogue.is_some() { <small><span class="mark">{ "underlined" }</span>{ ": words that signal a kind of ending; point at them to see which. Thick where the story ends." }</small> }
                if base_entropy.is_some() { <small class="lines"><i />{ "tuned" }<i class="base" />{ "base" }</small> }
            </figure>
            if let Some(catalogue) = catalogue {
                <Endings catalogue={catalogue.clone()} chains={endings.clone()} stories={swarm.stories()} length={*length} />
            }
            <Series title="Uncertainty by token: mean entropy, bits" values={side.entropy_bits} base={base_entropy} top={top_bits} positions={*length}
                says={format!("Mean entropy by token; {mean} on average.")} />
            <Series title="Stories that still differ after n tokens" values={side.beginnings} base={base_beginnings} top={stories as f64} positions={*length}
                says={format!("How many of the {stories} stories still differ after n tokens; {at_end} at the last token reached.")} />
        </aside>
    }
}

fn surprisal_legend() -> Html {
    html! {
        <>
            <figcaption><Defined text="Surprisal of each token, bits" /></figcaption>
            <p aria-hidden="true">
                { for (0..=8).map(|bits| html! { <span class={format!("b{bits}")}>{ if bits == 8 { "8+".to_owned() } else { bits.to_string() } }</span> }) }
            </p>
            <small><span class="shared">{ "grey" }</span>{ ": another story has the same words" }</small>
        </>
    }
}

fn sentiment_legend() -> Html {
    let steps = STEPS.iter().rev().map(|step| -step);
    let steps = steps.chain([0.0]).chain(STEPS);
    // There is little room: -0.04 is written as −.04.
    let short = |step: f64| step.to_string().replace('-', "−").replace("0.", ".");
    html! {
        <>
            <figcaption><Defined text="Each word’s contribution to the sentiment score, log-odds" /></figcaption>
            <p aria-hidden="true">{ for steps.map(|step| html! { <span class={tint(step)}>{ short(step) }</span> }) }</p>
            <small><Defined text="Green raises the score, purple lowers it. This classifier of words and word pairs is the reward that the Wedding models were trained on. The number beside a story is its score." /></small>
        </>
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
