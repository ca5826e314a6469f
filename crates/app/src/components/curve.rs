//! The exact H(β) curve of a row, and where the knobs stand on it.

use yew::prelude::*;

use super::{
    canvas::{Canvas, Picture, Sheet},
    debounce::use_debounced,
    ptr_eq::PtrEq,
};
use crate::{
    figures::curve::{EntropyCurve, Frame, beta_share},
    numbers::{decimal, significant},
};

/// The style sheet's `.marked canvas` has the same edges, and a brim around them.
const FRAME: Frame = Frame {
    left: 26.0,
    right: 352.0,
    top: 12.0,
    bottom: 122.0,
};
/// How far the marker's canvas reaches beyond the drawing area, so that the dot is whole at its edges. CSS pixels.
const BRIM: f64 = 7.0;
/// Radius of the marker with its ring, and width of the ring. CSS pixels.
const DOT: f64 = 6.0;
const RING: f64 = 1.5;
/// Length of a dash of the line below it, and of the gap after it. CSS pixels.
const DASH: f64 = 3.0;

#[derive(Clone, PartialEq, Properties)]
pub struct CurvePlotProps {
    pub curve: PtrEq<EntropyCurve>,
    pub beta: f64,
    /// Entropy under the knobs; below the curve where a filter is on.
    pub bits: f64,
}

/// The curve with its marker.
#[component]
pub fn CurvePlot(props: &CurvePlotProps) -> Html {
    let CurvePlotProps { curve, beta, bits } = props;
    let top = curve.top_bits;
    let (said_beta, said_bits) = *use_debounced(&(*beta, *bits));
    let label = format!(
        "Entropy against sharpness β: it falls as β grows. At β = {} it is {} bits.",
        significant(said_beta),
        decimal(said_bits)
    );
    let marker = Marker {
        left: beta_share(*beta),
        down: 1.0 - (bits / top).clamp(0.0, 1.0),
    };
    html! {
        <div class="marked" translate="no" role="img" aria-label={label}>
            <Axes curve={curve.clone()} />
            <Canvas<Marker> picture={marker} />
        </div>
    }
}

/// A dot on the curve and the line below it. Positions are shares of the drawing area.
#[derive(Clone, PartialEq)]
struct Marker {
    left: f64,
    down: f64,
}

impl Picture for Marker {
    fn draw(&self, sheet: &Sheet) {
        let Sheet {
            pen,
            width,
            height,
            inks,
            ..
        } = sheet;
        let bottom = height - BRIM;
        let x = BRIM + (width - 2.0 * BRIM) * self.left;
        let y = BRIM + (bottom - BRIM) * self.down;
        pen.set_fill_style_str(&inks.now);
        let mut dash = y;
        while dash < bottom {
            pen.fill_rect(x - 0.5, dash, 1.0, DASH.min(bottom - dash));
            dash += 2.0 * DASH;
        }
        sheet.disc(&inks.card, x, y, DOT);
        sheet.disc(&inks.now, x, y, DOT - RING);
    }
}

#[derive(Clone, PartialEq, Properties)]
struct AxesProps {
    curve: PtrEq<EntropyCurve>,
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
            <text x="30" y="9">{ "uncertainty of the next token, bits" }</text>
            <line class="axis" x1={left.clone()} x2={right.clone()} y1={bottom.clone()} y2={bottom.clone()} />
            { for [(0.1, "β = 0.1"), (1.0, "1"), (10.0, "10"), (100.0, "sharper → 100")].into_iter().map(tick) }
            <path class="curve" d={curve.path(FRAME)} />
        </svg>
    }
}
