//! Who tells the stories: the base or an adapter, how much of it, and whether the base tells them too.

use web_sys::{HtmlInputElement, HtmlSelectElement, InputEvent};
use yew::prelude::*;

use super::{knob::Knob, same::Same};
use crate::{
    figures::numbers::significant,
    state::{Action, Dial, Tuning, Tunings},
};

#[derive(Clone, PartialEq, Properties)]
pub struct StorytellerProps {
    pub tunings: Same<Tunings>,
    pub adapter: Option<AttrValue>,
    pub compare: bool,
    /// Whether an experiment asks, which compares by itself.
    pub lab: bool,
    /// Lambda, exactly.
    pub lambda: AttrValue,
    pub turn: Callback<(Dial, String), Result<(), String>>,
    pub act: Callback<Action>,
}

/// The model picker, and what belongs to the adapter that is on. Nothing for a model without adapters.
#[component]
pub fn Storyteller(props: &StorytellerProps) -> Html {
    let StorytellerProps {
        tunings,
        adapter,
        compare,
        lab,
        lambda,
        turn,
        act,
    } = props;
    let chosen = adapter.as_deref().unwrap_or("");
    let select = use_node_ref();
    {
        // As a property: what an attribute says of an option counts no more once the reader has chosen it.
        let select = select.clone();
        use_effect_with((adapter.clone(), tunings.clone()), move |(adapter, _)| {
            if let Some(select) = select.cast::<HtmlSelectElement>() {
                select.set_value(adapter.as_deref().unwrap_or(""));
            }
        });
    }
    if tunings.is_empty() && adapter.is_none() {
        return html! {};
    }
    let choose = act.reform(|event: Event| {
        let name = event.target_unchecked_into::<HtmlSelectElement>().value();
        Action::Tune((!name.is_empty()).then_some(name))
    });
    let check = act.reform(|event: Event| {
        Action::Compare(event.target_unchecked_into::<HtmlInputElement>().checked())
    });
    let option = |name: &str, title: String| {
        html! { <option value={name.to_owned()}>{ title }</option> }
    };
    let listed = tunings.named(chosen);
    let about = match (listed, chosen) {
        (Some(tuning), _) => tuning.about.clone(),
        (None, "") => "the model as it was trained on stories, untuned".to_owned(),
        (None, _) => "an adapter that the link names".to_owned(),
    };
    html! {
        <section aria-labelledby="storyteller-title">
            <h2 id="storyteller-title"><label for="adapter">{ "Storyteller" }</label></h2>
            <select id="adapter" ref={select} data-testid="adapter" aria-describedby="adapter-help" onchange={choose}>
                { option("", "Base".to_owned()) }
                { for tunings.single().map(|tuning| option(&tuning.name, tuning.title.clone())) }
                if listed.is_none() && !chosen.is_empty() { { option(chosen, chosen.to_owned()) } }
                if tunings.sweep().next().is_some() {
                    <optgroup label="The same tuning at a KL budget">
                        { for tunings.sweep().map(|(tuning, _)| option(&tuning.name, tuning.title.clone())) }
                    </optgroup>
                }
            </select>
            <small id="adapter-help">{ about }</small>
            if listed.is_some_and(|tuning| tuning.budget_nats.is_some()) {
                <Budget tunings={tunings.clone()} chosen={AttrValue::from(chosen.to_owned())} act={act.clone()} />
            }
            if adapter.is_some() {
                <Knob dial={Dial::Lambda} text={lambda.clone()} turn={turn.clone()} />
                <label class="check" hidden={*lab}>
                    <input type="checkbox" data-testid="compare" checked={*compare} onchange={check} />
                    { "the base beside it, on the same coins" }
                </label>
            }
        </section>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct BudgetProps {
    tunings: Same<Tunings>,
    chosen: AttrValue,
    act: Callback<Action>,
}

/// The KL-budget dial: a slider over the sweep. It shows the budget while it moves; an adapter is fetched once it rests.
#[component]
fn Budget(props: &BudgetProps) -> Html {
    let BudgetProps {
        tunings,
        chosen,
        act,
    } = props;
    let sweep: Vec<(&Tuning, f64)> = tunings.sweep().collect();
    let at = sweep
        .iter()
        .position(|(tuning, _)| *tuning.name == **chosen)
        .unwrap_or(0);
    let moved = use_state_eq(|| None::<usize>);
    {
        let moved = moved.setter();
        use_effect_with(chosen.clone(), move |_| moved.set(None));
    }
    let slide = {
        let moved = moved.setter();
        Callback::from(move |event: InputEvent| {
            let input: HtmlInputElement = event.target_unchecked_into();
            moved.set(input.value().parse().ok());
        })
    };
    let rest = {
        let (act, tunings) = (act.clone(), tunings.clone());
        Callback::from(move |event: Event| {
            let input: HtmlInputElement = event.target_unchecked_into();
            let index = input.value().parse().ok();
            if let Some((tuning, _)) = index.and_then(|index| tunings.sweep().nth(index)) {
                act.emit(Action::Tune(Some(tuning.name.clone())));
            }
        })
    };
    let shown = moved.unwrap_or(at).min(sweep.len().saturating_sub(1));
    let nats = sweep.get(shown).map_or(String::new(), |(_, nats)| {
        format!("{} nats", significant(*nats))
    });
    html! {
        <div class="knob">
            <label for="kl-budget">{ "KL budget" }</label>
            <b class="number fixed" data-testid="kl-budget-value">{ nats.clone() }</b>
            <input class="slider" type="range" id="kl-budget" data-testid="kl-budget" min="0"
                max={sweep.len().saturating_sub(1).to_string()} step="1" value={shown.to_string()} aria-valuetext={nats}
                aria-describedby="kl-budget-help" oninput={slide} onchange={rest} />
            <small id="kl-budget-help">
                <b>{ "nats a completion" }</b>{ " · how far tuning may move from the base for the same reward" }
            </small>
        </div>
    }
}
