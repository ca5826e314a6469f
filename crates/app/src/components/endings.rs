//! How the stories end: the share of each attractor with its interval, and how soon the most frequent one is reached.

use std::rc::Rc;

use attractors::{Catalogue, Ending};
use statistics::HittingCurve;
use yew::prelude::*;

use super::{ptr_eq::PtrEq, series::Series, term::Defined};
use crate::{
    figures::endings::{ChainEnding, Share, by_token, endings, hitting, shares},
    numbers::{percent, percent_range},
};

#[derive(Clone, PartialEq, Properties)]
pub struct EndingsProps {
    pub catalogue: PtrEq<Catalogue>,
    /// Chain by chain.
    pub chains: PtrEq<Vec<Rc<ChainEnding>>>,
    /// Chains on a side.
    pub stories: usize,
    /// At most so many tokens per story.
    pub length: u32,
}

/// How the stories end.
#[component]
pub fn Endings(props: &EndingsProps) -> Html {
    let EndingsProps {
        catalogue,
        chains,
        stories,
        length,
    } = props;
    let sides: Vec<&[Rc<ChainEnding>]> = chains.chunks((*stories).max(1)).collect();
    let counted: Vec<attractors::Endings> = sides.iter().map(|side| endings(side)).collect();
    let shares = shares(&counted);
    let others = |count: &dyn Fn(&attractors::Endings) -> usize| {
        let counts: Vec<String> = counted.iter().map(|side| count(side).to_string()).collect();
        match &counts[..] {
            [tuned, base] => format!("{tuned} (base model: {base})"),
            alone => alone.concat(),
        }
    };
    let unrecognised = others(&|side| {
        let unrecognised = side
            .counts
            .iter()
            .filter(|(ending, _)| !matches!(ending, Ending::Attractor(_)));
        unrecognised.map(|(_, count)| count).sum()
    });
    let unfinished = others(&|side| side.unfinished);
    html! {
        <>
            <figure class="endings" translate="no">
                <figcaption>{ "How the finished stories end" }</figcaption>
                { for shares.iter().map(|shares| {
                    let attractor = &catalogue.attractors()[shares.attractor];
                    let [share, base] = [0, 1].map(|side| shares.sides.get(side).and_then(Option::as_ref));
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
                <small><Defined text={format!("Share of finished stories by ending (attractor), found by keywords (underlined), with 95% Wilson intervals. Other endings: {unrecognised}. Not finished: {unfinished}.")} /></small>
            </figure>
            { for shares.first().map(|first| curve(&catalogue.attractors()[first.attractor].title, first.attractor, &sides, *length)) }
        </>
    }
}

/// How soon the stories of each side reach an attractor.
fn curve(title: &str, attractor: usize, sides: &[&[Rc<ChainEnding>]], length: u32) -> Html {
    let mut curves = sides.iter().map(|side| hitting(side, attractor));
    let (curve, base) = (curves.next().unwrap_or_default(), curves.next());
    let half = |curve: &HittingCurve| match curve.median() {
        Some(token) => format!("half of them by token {token}"),
        None => "less than half of them".to_owned(),
    };
    let of_base = base.as_ref().map_or(String::new(), |base| {
        format!("; base model: {}", half(base))
    });
    let says = format!(
        "{title}: the share of stories that have mentioned it, by token (Kaplan-Meier estimate); {}{of_base}.",
        half(&curve)
    );
    html! {
        <Series title={format!("{title}: share of stories that have mentioned it, by token")} values={by_token(&curve)}
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
