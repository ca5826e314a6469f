//! The page's head: name, pages, device.

use protocol::{DeviceChoice, DeviceKind};
use yew::prelude::*;

use super::{app::Page, badge::Badge};
use crate::engine::choice::Engines;

#[derive(Clone, PartialEq, Properties)]
pub struct HeaderProps {
    pub page: Page,
    pub go: Callback<Page>,
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
        page,
        go,
        engines,
        choice,
        chains,
        tokens_per_second,
        device,
    } = props.clone();
    let link = |to: Page, name: &'static str| {
        let go = go.reform(move |_: MouseEvent| to);
        html! {
            <button class="page" aria-current={(page == to).then_some("page")} onclick={go}>{ name }</button>
        }
    };
    html! {
        <header>
            <h1>{ "Mode Collapse Playground" }</h1>
            <p>{ "Slide two knobs and watch a storyteller’s world shrink to one ending." }</p>
            <nav aria-label="Pages">
                { link(Page::Playground, "Playground") }
                { link(Page::About, "About") }
            </nav>
            <Badge {engines} {choice} {chains} {tokens_per_second} ran_on={device} />
        </header>
    }
}
