//! The exact H(β) curve of a row, and where the knobs stand on it.

use yew::prelude::*;

use super::{lagging::use_lagging, same::Same};
use crate::figures::{
    curve::{EntropyCurve, Frame, beta_share},
    numbers::{decimal, significant},
};

/// The style sheet's `.marked .area` has the same edges.
const FRAME: Frame = Frame {
    left: 26.0,
    right: 352.0,
    top: 12.0,
    bottom: 122.0,
};

#[derive(Clone, PartialEq, Properties)]
pub struct CurvePlotProps {
    pub curve: Same<EntropyCurve>,
    pub beta: f64,
    /// Entropy under the knobs; below the curve where a filter is on.
    pub bits: f64,
}

/// The curve with its marker.
#[component]
pub fn CurvePlot(props: &CurvePlotProps) -> Html {
    let CurvePlotProps { curve, beta, bits } = props;
    let top = curve.top_bits;
    let (said_beta, said_bits) = *use_lagging(&(*beta, *bits));
    let label = format!(
        "Entropy against the inverse temperature: it falls as β grows. At β = {} it is {} bits.",
        significant(said_beta),
        decimal(said_bits)
    );
    // Both are as large as the drawing area and moved as a whole, which neither lays out nor paints the plot again.
    let (left, down) = (beta_share(*beta), 1.0 - (bits / top).clamp(0.0, 1.0));
    let place = format!(
        "transform:translate({:.2}%,{:.2}%)",
        100.0 * left,
        100.0 * down
    );
    html! {
        <div class="marked" role="img" aria-label={label}>
            <Axes curve={curve.clone()} />
            <div class="area"><i class="drop" style={place.clone()} /></div>
            <div class="area dot"><i class="marker" style={place} /></div>
        </div>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct AxesProps {
    curve: Same<EntropyCurve>,
}

/// All that stays while knobs move.
#[component]
fn Axes(props: &AxesProps) -> Html {
    let AxesProps { curve } = props;
    let top = curve.top_bits;
    let (left, right, bottom) = (
        FRAME.left.to_string(),
        FRAME.right.to_string(),
        FRAME.bottom.to_string(),
    );
    let tick = |(beta, text): (f64, &'static str)| {
        let x = format!("{:.1}", FRAME.x(beta_share(beta)));
        let anchor = if beta < 1.0 {
            "start"
        } else if beta > 50.0 {
            "end"
        } else {
            "middle"
        };
        html! {
            <>
                <line class="tick" x1={x.clone()} x2={x.clone()} y1={bottom.clone()} y2={(FRAME.bottom + 4.0).to_string()} />
                <text {x} y="139" text-anchor={anchor}>{ text }</text>
            </>
        }
    };
    let level = |bits: f64| {
        let y = FRAME.y(bits / top);
        html! {
            <>
                <line class="grid" x1={left.clone()} x2={right.clone()} y1={format!("{y:.1}")} y2={format!("{y:.1}")} />
                <text x="20" y={format!("{:.1}", y + 4.0)} text-anchor="end">{ bits.to_string() }</text>
            </>
        }
    };
    html! {
        <svg class="plot" viewBox="0 0 360 146">
            { for [top, (top / 2.0).floor()].into_iter().filter(|bits| *bits > 0.0).map(level) }
            <text x="30" y="9">{ "bits" }</text>
            <line class="axis" x1={left.clone()} x2={right.clone()} y1={bottom.clone()} y2={bottom.clone()} />
            { for [(0.1, "β 0.1 hot"), (1.0, "1"), (10.0, "10"), (100.0, "cold 100")].into_iter().map(tick) }
            <path class="curve" d={curve.path(FRAME)} />
        </svg>
    }
}
