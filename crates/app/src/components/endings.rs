//! Where the stories end: the share of each attractor with its interval, and how soon the most frequent one is reached.

use std::rc::Rc;

use attractors::Catalogue;
use decoding::HittingCurve;
use yew::prelude::*;

use super::{same::Same, series::Series};
use crate::figures::{
    attractors::{Marks, Share, by_token, hitting, shares},
    numbers::{percent, percent_range},
};

#[derive(Clone, PartialEq, Properties)]
pub struct EndingsProps {
    pub catalogue: Same<Catalogue>,
    /// Chain by chain.
    pub marks: Same<Vec<Rc<Marks>>>,
    /// Chains on a side.
    pub stories: usize,
    /// Tokens a chain at most.
    pub length: u32,
}

/// Where the stories end.
#[component]
pub fn Endings(props: &EndingsProps) -> Html {
    let EndingsProps {
        catalogue,
        marks,
        stories,
        length,
    } = props;
    let sides: Vec<&[Rc<Marks>]> = marks.chunks((*stories).max(1)).collect();
    let shares = shares(&sides);
    let nowhere: Vec<String> = sides
        .iter()
        .map(|side| {
            let none = side.iter().filter(|marks| marks.ends_in.is_none()).count();
            none.to_string()
        })
        .collect();
    let nowhere = match &nowhere[..] {
        [tuned, base] => format!("{tuned} (base: {base})"),
        alone => alone.concat(),
    };
    html! {
        <>
            <figure class="endings">
                <figcaption>{ "Where they end" }</figcaption>
                { for shares.iter().map(|shares| {
                    let attractor = &catalogue.attractors()[shares.attractor];
                    let [share, base] = [0, 1].map(|side| shares.sides.get(side));
                    html! {
                        <div class="ending" data-testid="attractor-share" data-attractor={attractor.name.clone()}
                            data-share={share.map(|share| share.share().to_string())}
                            data-base-share={base.map(|base| base.share().to_string())} title={attractor.about.clone()}>
                            <b>{ &attractor.title }</b>
                            { for share.map(|share| bar(share, None)) }
                            { for base.map(|base| bar(base, Some("base"))) }
                        </div>
                    }
                }) }
                <small>{ format!("Shares of the {stories} stories that end in underlined words of a kind, with 95% intervals (Wilson). In none: {nowhere}.") }</small>
            </figure>
            { for shares.first().map(|first| curve(&catalogue.attractors()[first.attractor].title, first.attractor, &sides, *length)) }
        </>
    }
}

/// How soon the stories of each side reach an attractor.
fn curve(title: &str, attractor: usize, sides: &[&[Rc<Marks>]], length: u32) -> Html {
    let mut curves = sides.iter().map(|side| hitting(side, attractor));
    let (curve, base) = (curves.next().unwrap_or_default(), curves.next());
    let half = |curve: &HittingCurve| match curve.median() {
        Some(token) => format!("half of the stories by token {token}"),
        None => "less than half of the stories".to_owned(),
    };
    let of_base = base.as_ref().map_or(String::new(), |base| {
        format!(", of the base {}", half(base))
    });
    let says = format!(
        "{title}: the share of stories with a word of it by token, estimated after Kaplan and Meier; {}{of_base}.",
        half(&curve)
    );
    html! {
        <Series title={format!("{title}: first word of it, share by token")} values={by_token(&curve)}
            base={base.as_ref().map(by_token)} top={1.0} positions={length} {says} />
    }
}

/// A share as a bar, with its interval as a line and both in numbers.
fn bar(share: &Share, class: Option<&'static str>) -> Html {
    let wide = |from: f64, to: f64| {
        format!(
            "left:{:.1}%;width:{:.1}%",
            100.0 * from,
            100.0 * (to - from)
        )
    };
    let interval = share.interval;
    html! {
        <p {class}>
            <span class="track" aria-hidden="true">
                <i class="fill" style={wide(0.0, share.share())} />
                <i class="range" style={wide(interval.low, interval.high)} />
            </span>
            <span>{ class.map(|class| format!("{class} ")) }{ percent(share.share()) }</span>
            <small>{ percent_range(interval.low, interval.high) }</small>
        </p>
    }
}
