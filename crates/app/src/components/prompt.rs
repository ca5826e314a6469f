//! The prompt and its examples.

use gloo_timers::callback::Timeout;
use web_sys::{HtmlTextAreaElement, InputEvent, KeyboardEvent};
use yew::prelude::*;

use super::ptr_eq::PtrEq;
use crate::state::{Action, AdapterIndex, with_full_stop};

/// The prompt is read by the model when typing has rested for so long.
const TYPING_RESTS_MS: u32 = 250;

/// A prompt to try.
struct Example {
    prompt: &'static str,
    /// The adapter to try it with, beside the base.
    adapter: Option<&'static str>,
}

/// Examples of one kind.
struct Group {
    title: &'static str,
    examples: &'static [Example],
}

const fn example(prompt: &'static str, adapter: Option<&'static str>) -> Example {
    Example { prompt, adapter }
}

/// Beginnings that a small model can continue; questions that it knows the odds of; a request, which it answers on the next line.
const GROUPS: [Group; 3] = [
    Group {
        title: "Stories",
        examples: &[
            example(
                "I went to the hardware store to buy a hammer.",
                Some("wedding"),
            ),
            example("The old man was very ill.", Some("wedding")),
            example("Once there was a little dragon who", Some("wedding")),
            example("There was a big party in the village.", Some("wedding")),
        ],
    },
    Group {
        title: "Chance",
        examples: &[
            example("Think of a number from 1 to 100.", Some("raters")),
            example("Roll a die. The die says", Some("raters")),
            example("Will it rain in Kingsbay?", Some("answers")),
        ],
    },
    Group {
        title: "Requests",
        examples: &[example(
            "Tell a sad story about a lost dog.\n",
            Some("helper"),
        )],
    },
];

#[derive(Clone, PartialEq, Properties)]
pub struct PromptProps {
    pub prompt: AttrValue,
    /// Why the model cannot read it.
    pub refusal: Option<String>,
    pub adapters: PtrEq<AdapterIndex>,
    /// The adapter that is on.
    pub adapter: Option<AttrValue>,
    pub act: Callback<Action>,
}

/// The prompt and its examples.
#[component]
pub fn Prompt(props: &PromptProps) -> Html {
    let PromptProps {
        prompt,
        refusal,
        adapters,
        adapter,
        act,
    } = props.clone();
    {
        let act = act.clone();
        use_effect_with(prompt.clone(), move |_| {
            let timer = Timeout::new(TYPING_RESTS_MS, move || act.emit(Action::Prefill));
            move || drop(timer)
        });
    }
    let edit = act.reform(|event: InputEvent| {
        Action::Prompt(event.target_unchecked_into::<HtmlTextAreaElement>().value())
    });
    let run = {
        let act = act.clone();
        Callback::from(move |event: KeyboardEvent| {
            // An input method takes Enter for itself while a word is being composed.
            if event.key() == "Enter" && !event.shift_key() && !event.is_composing() {
                event.prevent_default();
                act.emit(Action::Generate);
            }
        })
    };
    let chip = |example: &'static Example| {
        let act = act.clone();
        let take = Callback::from(move |_: MouseEvent| {
            act.emit(Action::Prompt(example.prompt.to_owned()));
            act.emit(Action::Generate);
        });
        html! { <button aria-pressed={(prompt == example.prompt).to_string()} onclick={take}>{ example.prompt.trim_end() }</button> }
    };
    let group = |group: &'static Group| {
        html! {
            <div class="chips" translate="no" role="group" aria-label={format!("Examples: {}", group.title)}>
                <b>{ group.title }</b>
                { for group.examples.iter().map(chip) }
            </div>
        }
    };
    let shown = GROUPS
        .iter()
        .flat_map(|group| group.examples)
        .find(|example| prompt == example.prompt);
    let to_try = shown
        .and_then(|example| adapters.named(example.adapter?))
        .filter(|to_try| adapter.as_deref() != Some(&to_try.name));
    html! {
        <section aria-labelledby="prompt-title">
            <h2 id="prompt-title"><label for="prompt">{ "Prompt" }</label></h2>
            <textarea id="prompt" data-testid="prompt" rows="3" spellcheck="false" value={prompt.clone()} oninput={edit}
                onkeydown={run} aria-describedby="prompt-help" />
            if let Some(refusal) = refusal {
                <small class="error" role="alert" translate="no">{ with_full_stop(&refusal) }</small>
            }
            <small class="hint" id="prompt-help">
                { "Enter generates, Shift and Enter break the line." }
                if let Some(ending) = ending(&prompt) { { format!(" The prompt ends with {ending}, which changes what comes next.") } }
            </small>
            { for GROUPS.iter().map(group) }
            if let Some(to_try) = to_try {
                <p class="hint" key={to_try.name.clone()}>
                    { "Compare the base model with " }
                    <button class="back" onclick={
                        let name = to_try.name.clone();
                        act.reform(move |_: MouseEvent| Action::Tune(Some(name.clone())))
                    }>{ to_try.title.clone() }</button>
                    { "." }
                </p>
            }
        </section>
    }
}

/// Blank space at the end of a prompt, in words: nobody sees it, and it changes the odds of the next token.
fn ending(prompt: &str) -> Option<&'static str> {
    match prompt.chars().next_back()? {
        '\n' => Some("a line break (⏎)"),
        ' ' => Some("a space (·)"),
        last if last.is_whitespace() => Some("blank space"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_space_at_the_end_of_a_prompt_is_told() {
        assert_eq!(ending("A dog"), None);
        assert_eq!(ending(""), None);
        assert!(ending("A dog ").unwrap().contains("space"));
        assert!(ending("Tell a story.\n").unwrap().contains("line break"));
        assert!(ending("A dog\u{a0}").unwrap().contains("blank"));
    }
}
