//! The page's head: name, pages, device.

use protocol::{DeviceChoice, DeviceKind, View};
use yew::prelude::*;

use super::badge::Badge;
use crate::{state::Action, state::Engines};

#[derive(Clone, PartialEq, Properties)]
pub struct HeaderProps {
    pub view: View,
    pub act: Callback<Action>,
    pub engines: Engines,
    pub choice: DeviceChoice,
    pub chains: u32,
    pub tokens_per_second: f32,
    pub device: Option<DeviceKind>,
}

/// The page's head.
#[component]
pub fn Header(props: &HeaderProps) -> Html {
    let HeaderProps {
        view,
        act,
        engines,
        choice,
        chains,
        tokens_per_second,
        device,
    } = props.clone();
    let link = |to: View, name: &'static str| {
        let go = act.reform(move |_: MouseEvent| Action::View(to));
        html! {
            <button class="page" aria-current={(view == to).then_some("page")} onclick={go}>{ name }</button>
        }
    };
    html! {
        <header>
            <h1>{ "Mode Collapse Playground" }</h1>
            <p>{ "Tune a small story-writing model, or turn down its temperature, and watch sixteen stories become one." }</p>
            <nav aria-label="Pages">
                { link(View::Playground, "Playground") }
                { link(View::Experiments, "Experiments") }
                { link(View::About, "About") }
            </nav>
            <Badge {engines} {choice} {chains} {tokens_per_second} ran_on={device} />
        </header>
    }
}
