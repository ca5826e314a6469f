//! What the page is about, in words. The words themselves are `www/about.html`.

use yew::prelude::*;

const TEXT: &str = include_str!("../../../../www/about.html");

#[derive(Clone, PartialEq, Properties)]
pub struct AboutProps {
    pub shown: bool,
}

/// The text about the page.
#[component]
pub fn About(props: &AboutProps) -> Html {
    html! { <main class="about" hidden={!props.shown}>{ Html::from_html_unchecked(AttrValue::Static(TEXT)) }</main> }
}
