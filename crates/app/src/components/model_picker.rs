//! The model that writes the stories: the base or an adapter, how much of it, and whether the base is shown beside it.

use web_sys::{HtmlInputElement, HtmlSelectElement, InputEvent};
use yew::prelude::*;

use super::{knob::Knob, ptr_eq::PtrEq, term::Defined};
use crate::{
    numbers::significant,
    state::{Action, AdapterIndex, AdapterInfo, Dial},
};

#[derive(Clone, PartialEq, Properties)]
pub struct ModelPickerProps {
    pub adapters: PtrEq<AdapterIndex>,
    pub adapter: Option<AttrValue>,
    pub compare: bool,
    /// Whether an experiment asks, which compares by itself.
    pub lab: bool,
    /// Lambda, exactly.
    pub lambda: AttrValue,
    pub turn: Callback<(Dial, String), Result<(), String>>,
    pub act: Callback<Action>,
}

/// The model picker, and the settings of the chosen adapter. Empty for a model without adapters.
#[component]
pub fn ModelPicker(props: &ModelPickerProps) -> Html {
    let ModelPickerProps {
        adapters,
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
        use_effect_with((adapter.clone(), adapters.clone()), move |(adapter, _)| {
            if let Some(select) = select.cast::<HtmlSelectElement>() {
                select.set_value(adapter.as_deref().unwrap_or(""));
            }
        });
    }
    if adapters.is_empty() && adapter.is_none() {
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
    let listed = adapters.named(chosen);
    let about = match (listed, chosen) {
        (Some(info), _) => info.about.clone(),
        (None, "") => "The model as trained on stories, without fine-tuning.".to_owned(),
        (None, _) => "An adapter named in the link.".to_owned(),
    };
    html! {
        <section aria-labelledby="model-title">
            <h2 id="model-title"><label for="adapter">{ "Model" }</label></h2>
            <select id="adapter" ref={select} data-testid="adapter" aria-describedby="adapter-help" onchange={choose}>
                { option("", "Base".to_owned()) }
                { for adapters.single().map(|info| option(&info.name, info.title.clone())) }
                if listed.is_none() && !chosen.is_empty() { { option(chosen, chosen.to_owned()) } }
                if adapters.sweep().next().is_some() {
                    <optgroup label="The same reward at other KL budgets">
                        { for adapters.sweep().map(|(info, _)| option(&info.name, info.title.clone())) }
                    </optgroup>
                }
            </select>
            <small id="adapter-help" key={chosen.to_owned()}><Defined text={about} /></small>
            if listed.is_some_and(|info| info.budget_nats.is_some()) {
                <Budget adapters={adapters.clone()} chosen={AttrValue::from(chosen.to_owned())} act={act.clone()} />
            }
            if adapter.is_some() {
                <Knob dial={Dial::Lambda} text={lambda.clone()} turn={turn.clone()} />
                <label class="check" hidden={*lab}>
                    <input type="checkbox" data-testid="compare" checked={*compare} onchange={check} />
                    { "Show the base model next to it, with the same random draws" }
                </label>
            }
        </section>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct BudgetProps {
    adapters: PtrEq<AdapterIndex>,
    chosen: AttrValue,
    act: Callback<Action>,
}

/// The KL-budget dial: a slider over the sweep. It shows the budget while it moves; an adapter is fetched once it rests.
#[component]
fn Budget(props: &BudgetProps) -> Html {
    let BudgetProps {
        adapters,
        chosen,
        act,
    } = props;
    let sweep: Vec<(&AdapterInfo, f64)> = adapters.sweep().collect();
    let at = sweep
        .iter()
        .position(|(info, _)| *info.name == **chosen)
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
        let (act, adapters) = (act.clone(), adapters.clone());
        Callback::from(move |event: Event| {
            let input: HtmlInputElement = event.target_unchecked_into();
            let index = input.value().parse().ok();
            if let Some((info, _)) = index.and_then(|index| adapters.sweep().nth(index)) {
                act.emit(Action::Tune(Some(info.name.clone())));
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
            <b class="number fixed" translate="no" data-testid="kl-budget-value">{ nats.clone() }</b>
            <input class="slider" type="range" id="kl-budget" data-testid="kl-budget" min="0"
                max={sweep.len().saturating_sub(1).to_string()} step="1" value={shown.to_string()} aria-valuetext={nats}
                aria-describedby="kl-budget-help" oninput={slide} onchange={rest} />
            <small id="kl-budget-help">
                <b>{ "nats per story" }</b>{ " · " }<Defined text="how far the tuned model may drift from the base model over a whole story (1 nat ≈ 1.44 bits)" />
            </small>
        </div>
    }
}
