//! The likeliest tokens as bars over the ghosts of the unshaped distribution. A row is a button that forces its token.

use web_sys::Element;
use yew::prelude::*;

use super::{
    canvas::{Canvas, Picture, Sheet},
    lagging::use_lagging,
    same::Same,
};
use crate::{
    figures::{
        next_token::{BARS, Bar, NextToken},
        numbers::percent,
    },
    state::{Action, Language},
};

/// Height of a row, CSS pixels; the style sheet has the same.
const ROW: f64 = 22.0;
/// Height of a bar, CSS pixels.
const BAR: f64 = 13.0;
/// Where bars begin, CSS pixels; before them lies the mark of the picked token.
const START: f64 = 12.0;
/// Radius of that mark, CSS pixels.
const MARK: f64 = 3.7;

#[derive(Clone, PartialEq, Properties)]
pub struct BarsProps {
    pub next: Same<NextToken>,
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
    let spoken = use_lagging(&next.bars);
    let force = {
        let act = act.clone();
        Callback::from(move |event: MouseEvent| {
            if let Some(token) = event.target_dyn_into::<Element>().as_ref().and_then(token) {
                act.emit(Action::Force(token));
            }
        })
    };
    // The last row stays, empty, while the picked token is among the others: putting a row in and out takes longer.
    let (likeliest, beyond) = next.bars.split_at(BARS.min(next.bars.len()));
    let row = |bar: Option<&Bar>| {
        let label = bar.map(|bar| {
            let spoken = spoken.iter().find(|spoken| spoken.token == bar.token);
            label(spoken.unwrap_or(bar), language)
        });
        let hook = bar.map(|bar| {
            if bar.p > 0.0 {
                "token-bar"
            } else {
                "token-ghost"
            }
        });
        html! {
            <button class="bar" data-testid={hook} data-id={bar.map(|bar| bar.token.to_string())}
                data-p={bar.map(|bar| bar.p.to_string())} aria-label={label}
                title={can_force.then_some("Put this token here and continue")} disabled={!can_force || bar.is_none()}>
                <code>{ bar.map(|bar| language.visible(bar.token)).unwrap_or_default() }</code>
            </button>
        }
    };
    // One text for all rows: a canvas takes longer to write them.
    let shares: String = next.bars.iter().map(|bar| percent(bar.p) + "\n").collect();
    html! {
        <div class="bars">
            <ol aria-label="Likeliest next tokens" onclick={can_force.then_some(force)}>
                { for likeliest.iter().map(|bar| html! { <li key={bar.token}>{ row(Some(bar)) }</li> }) }
                <li key="beyond">{ row(beyond.first()) }</li>
            </ol>
            <Canvas<Reaches> picture={Reaches(next.clone())} />
            <pre aria-hidden="true">{ shares }</pre>
        </div>
    }
}

/// What is read out of a row.
fn label(bar: &Bar, language: &Language) -> String {
    let coin = if bar.picked {
        ", picked by the coin"
    } else {
        ""
    };
    format!("{} {}{coin}", language.visible(bar.token), percent(bar.p))
}

/// The token of the row that an element belongs to.
fn token(element: &Element) -> Option<u32> {
    let row = element.closest("[data-id]").ok()??;
    row.get_attribute("data-id")?.parse().ok()
}

/// How far the bars and their ghosts reach.
#[derive(Clone, PartialEq)]
struct Reaches(Same<NextToken>);

impl Picture for Reaches {
    fn draw(&self, sheet: &Sheet) {
        let Sheet {
            pen, width, inks, ..
        } = sheet;
        let NextToken { bars, full, .. } = &*self.0;
        let reach = |p: f64| (width - START - 1.0) * p / full;
        for (row, _) in bars.iter().enumerate().filter(|(_, bar)| bar.picked) {
            let middle = ROW * (row as f64 + 0.5);
            sheet.disc(&inks.coin, START / 2.0 - 1.0, middle, MARK);
        }
        pen.set_fill_style_str(&inks.now);
        pen.set_global_alpha(0.88);
        for (row, bar) in bars.iter().enumerate() {
            pen.fill_rect(START, top(row), reach(bar.p), BAR);
        }
        pen.set_global_alpha(1.0);
        pen.set_stroke_style_str(&inks.ghost);
        pen.begin_path();
        for (row, bar) in bars.iter().enumerate() {
            let ghost = reach(bar.before).round();
            pen.rect(START + 0.5, top(row) + 0.5, ghost, BAR - 1.0);
        }
        pen.stroke();
    }
}

/// Upper edge of a row's bar, CSS pixels.
fn top(row: usize) -> f64 {
    ROW * row as f64 + (ROW - BAR - 1.0) / 2.0
}
