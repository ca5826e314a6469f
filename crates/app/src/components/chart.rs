//! A figure on the page: the chart that `www/charts.js` draws, its words, and buttons that save it.

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::HtmlElement;
use yew::prelude::*;

use crate::figures::{chart, csv, overlay::OverlaidFigure};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = figureCharts)]
    fn draw(element: &HtmlElement, option: &str);
    #[wasm_bindgen(js_namespace = figureCharts)]
    fn release(element: &HtmlElement);
    #[wasm_bindgen(js_namespace = figureCharts, js_name = savePicture)]
    fn save_picture(element: &HtmlElement, kind: &str, title: &str, name: &str);
    #[wasm_bindgen(js_namespace = figureCharts, js_name = saveText)]
    fn save_text(text: &str, kind: &str, file: &str);
}

/// Relative to the page, as everything is.
const SCRIPT: &str = "charts.js";

/// How far the script is that draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charts {
    /// On its way.
    Coming,
    /// It draws.
    There,
    /// It cannot be fetched.
    Missing,
}

/// Fetches the script that draws; the browser does so once, however often it is asked.
#[hook]
pub fn use_charts() -> Charts {
    let charts = use_state_eq(|| Charts::Coming);
    {
        let charts = charts.setter();
        use_effect_with((), move |()| {
            spawn_local(async move {
                charts.set(match load().await {
                    Ok(_) => Charts::There,
                    Err(_) => Charts::Missing,
                });
            });
        });
    }
    *charts
}

async fn load() -> Result<JsValue, JsValue> {
    let document = web_sys::window().and_then(|window| window.document());
    let document = document.ok_or(JsValue::NULL)?;
    let script = document.create_element("script")?;
    script.set_attribute("type", "module")?;
    script.set_attribute("src", SCRIPT)?;
    let loaded = Promise::new(&mut |resolve, reject| {
        // Both are functions, and a fresh element takes listeners.
        _ = script.add_event_listener_with_callback("load", &resolve);
        _ = script.add_event_listener_with_callback("error", &reject);
    });
    document
        .document_element()
        .ok_or(JsValue::NULL)?
        .append_child(&script)?;
    JsFuture::from(loaded).await
}

/// Saves a table as a file of the reader's. It begins with a byte order mark, without which Excel takes it for another encoding.
pub fn save_csv(text: &str, name: &str) {
    save_text(
        &format!("\u{feff}{text}"),
        "text/csv",
        &format!("{name}.csv"),
    );
}

#[derive(Clone, PartialEq, Properties)]
pub struct ChartProps {
    pub figure: OverlaidFigure,
    pub charts: Charts,
    /// The experiment's name, for files.
    pub experiment: AttrValue,
}

/// One figure.
#[component]
pub fn Chart(props: &ChartProps) -> Html {
    let ChartProps {
        figure,
        charts,
        experiment,
    } = props;
    let sheet = use_node_ref();
    {
        let sheet = sheet.clone();
        use_effect_with((figure.clone(), *charts), move |(figure, charts)| {
            if let (Charts::There, Some(element)) = (charts, sheet.cast::<HtmlElement>()) {
                draw(&element, &chart::option(figure).to_string());
            }
        });
    }
    {
        let sheet = sheet.clone();
        use_effect_with(*charts, move |charts| {
            let element = sheet
                .cast::<HtmlElement>()
                .filter(|_| *charts == Charts::There);
            move || {
                if let Some(element) = element {
                    release(&element);
                }
            }
        });
    }
    let name = format!("{experiment}-{}", figure.name);
    let picture = |kind: &'static str| {
        let (sheet, title, name) = (sheet.clone(), figure.title.clone(), name.clone());
        Callback::from(move |_: MouseEvent| {
            if let Some(element) = sheet.cast::<HtmlElement>() {
                save_picture(&element, kind, &title, &name);
            }
        })
    };
    let table = {
        let (figure, name) = (figure.clone(), name.clone());
        Callback::from(move |_: MouseEvent| save_csv(&csv::of_figure(&figure), &name))
    };
    let there = *charts == Charts::There;
    let save = |kind: &'static str, click: Callback<MouseEvent>| {
        let label = format!("Save “{}” as {kind}", figure.title);
        html! { <button disabled={!there} aria-label={label} onclick={click}>{ kind }</button> }
    };
    let (title_id, text_id) = (format!("{name}-title"), format!("{name}-text"));
    let tall = (!figure.flows.is_empty()).then_some("tall");
    html! {
        <figure class="chart" translate="no" data-testid="figure" data-name={figure.name.clone()}>
            <figcaption id={title_id.clone()}>{ &figure.title }</figcaption>
            <div class={classes!("sheet", tall)} role="img" aria-labelledby={title_id} aria-describedby={text_id.clone()}>
                <div ref={&sheet} aria-hidden="true"></div>
                if *charts == Charts::Coming { <small>{ "The charts are on their way." }</small> }
                if *charts == Charts::Missing {
                    <small>{ "The charts cannot be fetched; the numbers below say the same. Reload the page to try again." }</small>
                }
            </div>
            <small id={text_id}>{ &figure.text }</small>
            <p class="save">
                { "Save as " }
                { save("PNG", picture("png")) }
                { save("SVG", picture("svg")) }
                { save("CSV", table) }
            </p>
        </figure>
    }
}
