//! The cumulative ruler: all possible tokens laid end to end from 0 to 1, and the coin that falls on one of them.

use decoding::Segment;
use yew::prelude::*;

use super::{
    canvas::{Canvas, Picture, Sheet},
    debounce::use_debounced,
    ptr_eq::PtrEq,
};
use crate::{figures::next_token::NextToken, state::Detokenizer};

/// A piece narrower than this share of the ruler has no room for its name.
const NAMED: f64 = 0.04;

/// A name may be set so much narrower than usual to fit into its piece; where that is not enough, it is left out.
const NARROWEST: f64 = 0.75;

/// How strongly the likeliest piece is tinted, and how much less the next.
const STRONGEST: f64 = 0.94;
const WEAKER: f64 = 0.09;
/// Every further piece is tinted so.
const WEAKEST: f64 = 0.22;

#[derive(Clone, PartialEq, Properties)]
pub struct RulerProps {
    pub next: PtrEq<NextToken>,
    pub detokenizer: PtrEq<Detokenizer>,
}

/// The ruler.
#[component]
pub fn Ruler(props: &RulerProps) -> Html {
    let RulerProps { next, detokenizer } = props;
    let said = use_debounced(next);
    let label = format!(
        "All tokens end to end from 0 to 1: the random draw, {:.3}, falls on {}",
        said.coin,
        detokenizer.visible(said.picked)
    );
    let named = |piece: &&Segment| piece.end - piece.start >= NAMED;
    let picture = Pieces {
        next: next.clone(),
        // The pieces come by falling length.
        names: next
            .ruler
            .iter()
            .take_while(named)
            .map(|piece| detokenizer.visible(piece.id))
            .collect(),
    };
    html! {
        <div class="ruler" role="img" aria-label={label}>
            <Canvas<Pieces> {picture} />
            <i class="coin" style={format!("left:{:.3}%", 100.0 * next.coin)} />
        </div>
    }
}

#[derive(Clone, PartialEq)]
struct Pieces {
    next: PtrEq<NextToken>,
    /// Of the first pieces.
    names: Vec<String>,
}

impl Picture for Pieces {
    fn draw(&self, sheet: &Sheet) {
        let Sheet {
            pen,
            width,
            height,
            inks,
            ..
        } = sheet;
        let NextToken { ruler, picked, .. } = &*self.next;
        pen.set_fill_style_str(&inks.now);
        for (rank, piece) in ruler.iter().enumerate() {
            pen.set_global_alpha(tint(rank));
            // The gap between two pieces is a CSS pixel.
            let length = (width * (piece.end - piece.start) - 1.0).max(0.5);
            pen.fill_rect(width * piece.start, 0.0, length, *height);
        }
        pen.set_global_alpha(1.0);
        let write = |text: &str, ink: &str, start: f64, end: f64| {
            let room = width * (end - start) - 10.0;
            sheet.write(text, ink, width * start + 6.0, room, NARROWEST);
        };
        for ((rank, piece), name) in ruler.iter().enumerate().zip(&self.names) {
            let ink = if tint(rank) > 0.5 {
                &inks.on_now
            } else {
                &inks.ink
            };
            write(name, ink, piece.start, piece.end);
        }
        let end = ruler.last().map_or(0.0, |piece| piece.end);
        if 1.0 - end >= NAMED {
            write("all other tokens", &inks.soft, end, 1.0);
        }
        let (start, end) = ruler
            .iter()
            .find(|piece| piece.id == *picked)
            .map_or((end, 1.0), |piece| (piece.start, piece.end));
        pen.set_fill_style_str(&inks.coin);
        let length = (width * (end - start) - 1.0).max(0.5);
        pen.fill_rect(width * start, 0.0, length, 3.0);
    }
}

/// How strongly a piece is tinted.
fn tint(rank: usize) -> f64 {
    (STRONGEST - WEAKER * rank as f64).max(WEAKEST)
}
