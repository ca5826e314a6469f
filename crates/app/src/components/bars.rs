//! The likeliest tokens as bars over the ghosts of the unshaped distribution. A row is a button that forces its token.

use web_sys::Element;
use yew::{prelude::*, virtual_dom::Key};

use super::{
    canvas::{Canvas, Picture, Sheet},
    debounce::use_debounced,
    ptr_eq::PtrEq,
};
use crate::{
    figures::next_token::{BARS, Bar, NextToken},
    numbers::percent,
    state::{Action, Detokenizer},
};

/// Height of a bar, CSS pixels.
const BAR: f64 = 13.0;
/// Where bars begin, CSS pixels; before them lies the mark of the picked token.
const START: f64 = 12.0;
/// Radius of that mark, CSS pixels.
const MARK: f64 = 3.7;
/// A name of so many bytes has room wherever tokens stand.
const SHORT: usize = 10;

#[derive(Clone, PartialEq, Properties)]
pub struct BarsProps {
    pub next: PtrEq<NextToken>,
    pub detokenizer: PtrEq<Detokenizer>,
    pub can_force: bool,
    pub act: Callback<Action>,
}

/// The bars. A token that the knobs have made impossible keeps its ghost only.
#[component]
pub fn Bars(props: &BarsProps) -> Html {
    let BarsProps {
        next,
        detokenizer,
        can_force,
        act,
    } = props;
    let list = use_node_ref();
    {
        // What changes with every move, past the rows that stay: finding out that they do takes longer.
        let list = list.clone();
        use_effect_with(next.clone(), move |next| {
            let rows = list.cast::<Element>().map(|list| list.children());
            for (row, bar) in next.bars.iter().enumerate() {
                let row = rows.as_ref().and_then(|rows| rows.item(row as u32));
                if let Some(button) = row.and_then(|row| row.first_element_child()) {
                    _ = button.set_attribute("data-p", &bar.p.to_string());
                }
            }
        });
    }
    let rows = next.bars.iter().map(|bar| (bar.token, bar.p > 0.0));
    let said = use_debounced(next);
    // One text for all rows: a canvas takes longer to write them.
    let shares: String = next.bars.iter().map(|bar| percent(bar.p) + "\n").collect();
    html! {
        <div class="bars">
            <Rows {list} rows={rows.collect::<Vec<_>>()} said={(*said).clone()} detokenizer={detokenizer.clone()} can_force={*can_force} act={act.clone()} />
            <Canvas<Reaches> picture={Reaches(next.clone())} />
            <pre aria-hidden="true" translate="no">{ shares }</pre>
        </div>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct RowsProps {
    list: NodeRef,
    /// The tokens, and whether the knobs have left them possible.
    rows: Vec<(u32, bool)>,
    /// What is read out.
    said: PtrEq<NextToken>,
    detokenizer: PtrEq<Detokenizer>,
    can_force: bool,
    act: Callback<Action>,
}

/// The rows below the picture, as far as they stay while a knob moves.
#[component]
fn Rows(props: &RowsProps) -> Html {
    let RowsProps {
        list,
        rows,
        said,
        detokenizer,
        can_force,
        act,
    } = props;
    let force = {
        let act = act.clone();
        Callback::from(move |event: MouseEvent| {
            if let Some(token) = event.target_dyn_into::<Element>().as_ref().and_then(token) {
                act.emit(Action::Force(token));
            }
        })
    };
    let row = |(place, (token, possible)): (usize, &(u32, bool))| {
        let name = detokenizer.visible(*token);
        let spoken = said.bars.iter().find(|bar| bar.token == *token);
        let hook = if *possible {
            "token-bar"
        } else {
            "token-ghost"
        };
        // The last place keeps its element, whichever token takes it.
        let key = if place + 1 == BARS {
            Key::from("last")
        } else {
            Key::from(*token)
        };
        let cut = long(&name);
        let title = match (*can_force, cut.is_some()) {
            (true, true) => Some(format!("Continue the story with “{name}” here").into()),
            (true, false) => Some(AttrValue::Static("Continue the story with this token here")),
            (false, true) => Some(name.clone().into()),
            (false, false) => None,
        };
        html! {
            <li {key}>
                <button class="bar" data-testid={hook} data-id={token.to_string()} aria-label={spoken.map_or(name.clone(), |bar| label(bar, &name))}
                    disabled={!can_force} {title}>
                    <code class={cut}>{ name }</code>
                </button>
            </li>
        }
    };
    html! {
        <ol ref={list} translate="no" aria-label="Likeliest next tokens" onclick={can_force.then_some(force)}>
            { for rows.iter().enumerate().map(row) }
        </ol>
    }
}

/// The class of a token's name that may have to be cut; of all others it would hold up the page.
pub fn long(name: &str) -> Option<&'static str> {
    (name.len() > SHORT).then_some("long")
}

/// What is read out of a row.
fn label(bar: &Bar, name: &str) -> String {
    let coin = if bar.picked { ", drawn" } else { "" };
    format!("{name} {}{coin}", percent(bar.p))
}

/// The token of the row that an element belongs to.
fn token(element: &Element) -> Option<u32> {
    let row = element.closest("[data-id]").ok()??;
    row.get_attribute("data-id")?.parse().ok()
}

/// How far the bars and their ghosts reach, on a scale from 0 to 1.
#[derive(Clone, PartialEq)]
struct Reaches(PtrEq<NextToken>);

impl Picture for Reaches {
    fn draw(&self, sheet: &Sheet) {
        let Sheet {
            pen,
            width,
            height,
            inks,
            ..
        } = sheet;
        let bars = &self.0.bars;
        // As the style sheet makes them: lines of equal height.
        let line = height / BARS as f64;
        let top = |row: usize| line * row as f64 + (line - BAR - 1.0) / 2.0;
        // From 0 to 1, so that a bar that grows is seen to grow.
        let reach = |p: f64| (width - START - 1.0) * p;
        for (row, _) in bars.iter().enumerate().filter(|(_, bar)| bar.picked) {
            let middle = line * (row as f64 + 0.5);
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
