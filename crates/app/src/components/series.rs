//! A number by token position, as a small line; beside it the base's, dashed, where two are compared.

use yew::prelude::*;

use super::term::Defined;
use crate::figures::curve::Frame;

const FRAME: Frame = Frame {
    left: 26.0,
    right: 246.0,
    top: 10.0,
    bottom: 74.0,
};

#[derive(Clone, PartialEq, Properties)]
pub struct SeriesProps {
    pub title: AttrValue,
    /// For screen readers: what the line says.
    pub says: AttrValue,
    /// By position, from 0.
    pub values: Vec<f64>,
    /// The base's, where it is compared.
    #[prop_or_default]
    pub base: Option<Vec<f64>>,
    /// The top of the axis.
    pub top: f64,
    /// Positions on the axis.
    pub positions: u32,
}

/// A titled line.
#[component]
pub fn Series(props: &SeriesProps) -> Html {
    let SeriesProps {
        title,
        says,
        values,
        base,
        top,
        positions,
    } = props;
    let last = f64::from(positions.saturating_sub(1).max(1));
    let path = |values: &[f64]| {
        FRAME.path(
            values
                .iter()
                .enumerate()
                .map(|(position, value)| (position as f64 / last, value / top)),
        )
    };
    let (left, right, bottom) = (
        FRAME.left.to_string(),
        FRAME.right.to_string(),
        FRAME.bottom.to_string(),
    );
    html! {
        <figure>
            <figcaption><Defined text={title.clone()} /></figcaption>
            <svg class="plot" translate="no" viewBox="0 0 252 92" role="img" aria-label={says.clone()}>
                <line class="grid" x1={left.clone()} x2={right.clone()} y1={FRAME.top.to_string()} y2={FRAME.top.to_string()} />
                <line class="axis" x1={left.clone()} x2={right.clone()} y1={bottom.clone()} y2={bottom.clone()} />
                <text x="20" y="14" text-anchor="end">{ top.to_string() }</text>
                <text x="20" y="78" text-anchor="end">{ "0" }</text>
                <text x={left} y="89">{ "token 1" }</text>
                <text x={right} y="89" text-anchor="end">{ positions.to_string() }</text>
                if let Some(base) = base { <path class="line base" d={path(base)} /> }
                <path class="line" d={path(values)} />
            </svg>
        </figure>
    }
}
