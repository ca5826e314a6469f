//! What the page is doing, and the notes on what went wrong.

use yew::prelude::*;

use crate::state::{Action, Status};

#[derive(Clone, PartialEq, Properties)]
pub struct StatusLineProps {
    pub status: Status,
    pub sentence: AttrValue,
    /// How much is done, 0 to 1; of a swarm, once it is being decoded.
    pub share: Option<f64>,
}

/// What the page is doing. Screen readers hear changes of status, not every token.
#[component]
pub fn StatusLine(props: &StatusLineProps) -> Html {
    let StatusLineProps {
        status,
        sentence,
        share,
    } = props.clone();
    let heard = match status {
        Status::Loading => "The model is loading.".into(),
        Status::Recorded => "A recorded run is shown while the model loads.".into(),
        Status::Running if share.is_some() => "Generating stories.".into(),
        Status::Running | Status::Ready | Status::Done | Status::Failed => sentence.clone(),
    };
    html! {
        <>
            <div class="status" translate="no" data-testid="status" data-state={status.word()}>
                <span>{ sentence }</span>
                if let Some(share) = share {
                    <progress max="1" value={share.to_string()} aria-label="Progress" />
                }
            </div>
            <p class="unseen" role="status" translate="no">{ heard }</p>
        </>
    }
}

#[derive(Clone, PartialEq, Properties)]
pub struct NotesProps {
    pub notes: Vec<String>,
    pub act: Callback<Action>,
}

/// What went wrong, each note until it is dismissed.
#[component]
pub fn Notes(props: &NotesProps) -> Html {
    let NotesProps { notes, act } = props;
    let note = |(index, note): (usize, &String)| {
        let dismiss = act.reform(move |_: MouseEvent| Action::Dismiss(index));
        html! {
            <li key={format!("{index} {note}")} translate="no">
                <span>{ note.clone() }</span>
                <button aria-label="Dismiss this note" onclick={dismiss}>{ "×" }</button>
            </li>
        }
    };
    html! {
        if !notes.is_empty() {
            <ul class="notes" role="alert">{ for notes.iter().enumerate().map(note) }</ul>
        }
    }
}
