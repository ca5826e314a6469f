//! The next-token panel: one row of logits under the present knobs.
//!
//! A knob that moves redraws this panel in the same frame: the row is here, and `decoding` shapes it.

use std::rc::Rc;

use protocol::Lambda;
use web_sys::{Element, ScrollIntoViewOptions, ScrollLogicalPosition};
use yew::prelude::*;

use super::{
    bars::{Bars, long},
    curve::CurvePlot,
    debounce::{RESTS_MS, use_debounced_effect},
    dials::Entropy,
    ptr_eq::PtrEq,
    ruler::Ruler,
    term::Defined,
};
use crate::{
    address,
    figures::next_token::{InterpolatedRow, next_token, unshaped},
    numbers::{about, decimal},
    state::{Action, Detokenizer, Opened, Row, SamplingParams, Side},
};

/// Characters of the text before the row that its title shows.
const TAIL: usize = 28;

#[derive(Clone, PartialEq, Properties)]
pub struct NextTokenProps {
    pub row: Option<PtrEq<Row>>,
    pub detokenizer: Option<PtrEq<Detokenizer>>,
    pub params: SamplingParams,
    /// The opened token.
    pub open: Option<Opened>,
    pub can_force: bool,
    /// The token that stands where the row is decided.
    pub there: Option<u32>,
    pub recorded: bool,
    /// Hears what the knobs make of the token, once they have rested.
    pub rested: Callback<Entropy>,
    pub act: Callback<Action>,
}

/// The next-token panel.
#[component]
pub fn NextTokenPanel(props: &NextTokenProps) -> Html {
    let NextTokenProps {
        row,
        detokenizer,
        params,
        open,
        can_force,
        there,
        recorded,
        rested,
        act,
    } = props.clone();
    let section = use_node_ref();
    {
        // Who opens a token far down the page wants to see what it was picked from.
        let section = section.clone();
        use_effect_with(open, move |open| {
            if let Some(section) = open.and_then(|_| section.cast::<Element>())
                && !address::is_framed()
            {
                let options = ScrollIntoViewOptions::new();
                options.set_block(ScrollLogicalPosition::Nearest);
                section.scroll_into_view_with_scroll_into_view_options(&options);
            }
        });
    }
    // Kept while only knobs move.
    let of_row = use_memo(row.clone(), |row| row.as_ref().map(|row| unshaped(row)));
    // Of a base alone also while lambda moves.
    let lambda = row
        .as_ref()
        .filter(|row| row.is_tuned())
        .map_or(Lambda::default(), |_| params.lambda);
    let interpolated = use_memo((row.clone(), lambda), |(row, lambda)| {
        row.as_ref().map(|row| InterpolatedRow::of(row, *lambda))
    });
    let next = use_memo((row.clone(), params), |(row, params)| {
        let (unshaped, interpolated) = (of_row.as_ref().as_ref()?, interpolated.as_ref().as_ref()?);
        Some(Rc::new(next_token(
            row.as_ref()?,
            unshaped,
            interpolated,
            *params,
        )))
    });
    let entropy = next.as_ref().as_ref().map(|next| Entropy {
        params,
        bits: next.entropy_bits,
        choices: next.effective_choices,
    });
    use_debounced_effect(&entropy, RESTS_MS, move |entropy| {
        if let Some(entropy) = entropy {
            rested.emit(*entropy);
        }
    });
    let (Some(row), Some(detokenizer), Some(next), Some(interpolated)) =
        (row, detokenizer, next.as_ref(), interpolated.as_ref())
    else {
        return html! {
            <section class="next empty" aria-labelledby="next-title">
                <h2 id="next-title">{ "Next token" }</h2>
                <p class="waiting">{ "The probabilities of the next token appear here once the model has read the prompt." }</p>
            </section>
        };
    };
    let title = match open {
        Some(open) => {
            let of_base = if open.side == Side::Base {
                " of the base model"
            } else {
                ""
            };
            format!(
                "Story {}{of_base}, token {}, after ",
                open.story + 1,
                open.position + 1
            )
        }
        None => "Next token after ".to_owned(),
    };
    let picked = detokenizer.visible(next.picked);
    let cut = long(&picked);
    let before = if row.is_tuned() {
        "base model at T = s = 1"
    } else {
        "at T = s = 1"
    };
    html! {
        <section class="next" aria-labelledby="next-title" ref={section}>
            <h2 id="next-title">
                <span translate="no"><Defined text={title} /><q>{ tail(&row.after) }</q></span>
                if recorded { <span class="recorded">{ "recorded" }</span> }
                if open.is_some() {
                    <button class="back" onclick={act.reform(|_: MouseEvent| Action::Close)}>{ "← back to the prompt" }</button>
                }
                <span class="key">
                    <i class="ghost" />{ before }
                    <i class="fill" />{ "now" }
                    <i class="coin" />{ format!("random draw of story {}", row.story + 1) }
                </span>
            </h2>
            <div class="pair">
                <Bars next={PtrEq::from(next)} detokenizer={detokenizer.clone()} {can_force} act={act.clone()} />
                <div>
                    <div class="stats" translate="no">
                        <p>
                            <b data-testid="entropy-bits" data-value={next.entropy_bits.to_string()}>{ decimal(next.entropy_bits) }</b>
                            <Defined text="bits of entropy" />
                        </p>
                        <p>
                            <b data-testid="effective-choices" data-value={next.effective_choices.to_string()}>
                                { about(next.effective_choices) }
                            </b>
                            <Defined text="effective choices" />
                        </p>
                        if let Some(bits) = next.kl_from_base_bits {
                            <p title="How far this token’s odds moved from the base model’s: KL divergence of the filled bars from the outlined ones">
                                <b data-testid="kl-from-base" data-value={bits.to_string()}>{ decimal(bits) }</b>
                                <Defined text="bits from the base model (KL), this token only" />
                            </p>
                        }
                        <p>
                            <b class={classes!("pick", cut)} title={cut.map(|_| picked.clone())}>{ picked }</b>
                            { format!("drawn for story {} (u = {:.3})", row.story + 1, next.coin) }
                            if let Some(put) = there.filter(|there| *there != next.picked) {
                                { format!("; you replaced it with {}", detokenizer.visible(put)) }
                            }
                        </p>
                    </div>
                    <CurvePlot curve={PtrEq::from(&interpolated.curve)} beta={params.shaping.beta()} bits={next.entropy_bits} />
                </div>
            </div>
            <Ruler next={PtrEq::from(next)} {detokenizer} />
        </section>
    }
}

/// The last words of a text, with the blank space at its end made visible.
fn tail(text: &str) -> String {
    let (text, blanks) = text.split_at(text.trim_end().len());
    let blanks: String = blanks
        .chars()
        .map(|blank| if blank == '\n' { '⏎' } else { '·' })
        .collect();
    let start = text
        .char_indices()
        .rev()
        .nth(TAIL)
        .map_or(0, |(start, _)| start);
    if start == 0 {
        return format!("{text}{blanks}");
    }
    let from_word = text[start..]
        .find(char::is_whitespace)
        .map_or(start, |space| start + space);
    format!("…{}{blanks}", text[from_word..].trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_begins_at_a_word() {
        assert_eq!(
            tail("I went to the hardware store to buy a hammer."),
            "…store to buy a hammer."
        );
        assert_eq!(tail("Short. "), "Short.·");
        assert_eq!(tail("Tell a story.\n"), "Tell a story.⏎");
        assert_eq!(tail(&"é".repeat(60)), format!("…{}", "é".repeat(29)));
        assert_eq!(tail(""), "");
    }
}
