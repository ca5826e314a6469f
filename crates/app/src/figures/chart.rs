//! A figure as the option object of Apache ECharts, which `www/charts.js` hands to it.
//!
//! Three things in it are not ECharts' own: a text `var(--name)` stands for that colour of the style sheet, names with `"wrap"` are
//! set on lines by `www/charts.js`, and the custom series of `"renderItem": "interval"` and `"dot"` are drawn there, beside the bar
//! that their `"beside"` names.

use std::collections::{BTreeMap, BTreeSet};

use experiments::{Axis, Flow, Point, Scale, Shape};
use serde_json::{Value, json};

use super::overlay::{Layer, OverlaidFigure};
use crate::numbers::significant;

/// Colours of subjects, in the order in which they come; `--c1` and so on of the style sheet.
const COLOURS: usize = 8;
/// Shapes of points, so that a subject is not told by its colour alone.
const SYMBOLS: [&str; 6] = [
    "circle",
    "rect",
    "triangle",
    "diamond",
    "roundRect",
    "arrow",
];
/// With more points the intervals of a line are drawn as one band.
const WHISKERS: usize = 12;
/// A dashed line, for the legend.
const DASHES: &str = "path://M0 9h7v2h-7zM10 9h7v2h-7zM20 9h7v2h-7z";
/// With so many lines of one subject, each says at its end which it is.
const ALIKE: usize = 3;

/// How much of its ink a faint series keeps.
const FAINT: f64 = 0.35;

/// The option object.
pub fn option(figure: &OverlaidFigure) -> Value {
    if figure.flows.is_empty() {
        on_axes(figure)
    } else {
        streams(&figure.flows)
    }
}

/// How a subject looks.
struct Look {
    colour: String,
    symbol: &'static str,
}

fn looks(layers: &[Layer]) -> BTreeMap<&str, Look> {
    let mut looks = BTreeMap::new();
    let mut next = 0;
    for layer in layers {
        if looks.contains_key(&*layer.subject) {
            continue;
        }
        let plain = |colour: &str| Look {
            colour: colour.to_owned(),
            symbol: SYMBOLS[0],
        };
        let mut own = layers.iter().filter(|one| one.subject == layer.subject);
        let look = if own.all(|one| one.series.shape == Shape::Reference) {
            plain("var(--ink)")
        } else if layer.subject == "base" {
            plain("var(--soft)")
        } else {
            next += 1;
            Look {
                colour: format!("var(--c{})", (next - 1) % COLOURS + 1),
                symbol: SYMBOLS[next % SYMBOLS.len()],
            }
        };
        looks.insert(&*layer.subject, look);
    }
    looks
}

fn on_axes(figure: &OverlaidFigure) -> Value {
    let layers = &figure.layers;
    let has = |shape| layers.iter().any(|layer| layer.series.shape == shape);
    // Bars stand side by side only at names.
    let steps = (figure.x.names.is_empty() && has(Shape::Bars)).then(|| steps(layers));
    let place = |x: f64| match &steps {
        Some(steps) => steps.partition_point(|step| *step < x) as f64,
        None => x,
    };
    let mut across = axis(&figure.x);
    if let Some(steps) = &steps {
        across["type"] = json!("category");
        let names: Vec<String> = steps.iter().map(|step| significant(*step)).collect();
        across["data"] = json!(names);
    }
    let mut upwards = axis(&figure.y);
    upwards["scale"] = json!(!has(Shape::Bars));
    let looks = looks(layers);
    let bars: Vec<&Layer> = layers
        .iter()
        .filter(|layer| layer.series.shape == Shape::Bars)
        .collect();
    // What tells of the same subject stands at its bar.
    let bar = |layer: &Layer| {
        let is_own = |bar: &&Layer| bar.subject == layer.subject && bar.faint == layer.faint;
        bars.iter().position(is_own)
    };
    let is_line = |layer: &Layer| layer.series.shape == Shape::Line && !layer.faint;
    let alike = |one: &Layer| {
        let same = layers
            .iter()
            .filter(|layer| is_line(layer) && layer.subject == one.subject);
        is_line(one) && same.count() >= ALIKE
    };
    let mut series = Vec::new();
    for layer in layers {
        let look = &looks[&*layer.subject];
        let draws = |point: &&Point| {
            let log = |axis: &Axis, at: f64| axis.scale == Scale::Linear || at > 0.0;
            point.x.is_finite()
                && point.y.is_finite()
                && log(&figure.x, point.x)
                && log(&figure.y, point.y)
        };
        let points: Vec<&Point> = layer.series.points.iter().filter(draws).collect();
        let mut drawn = one(layer, look, &points, &place);
        if let (Shape::Dots, Some(bar)) = (layer.series.shape, bar(layer)) {
            drawn["type"] = json!("custom");
            drawn["renderItem"] = json!("dot");
            drawn["beside"] = json!({ "bar": bar, "bars": bars.len() });
        }
        if alike(layer) {
            let name = &layer.series.name;
            let end = name.split_once(", ").map_or(&**name, |(_, end)| end);
            drawn["endLabel"] =
                json!({ "show": true, "formatter": end, "color": look.colour, "fontSize": 11 });
            drawn["labelLayout"] = json!({ "hideOverlap": true });
        }
        series.push(drawn);
        let ends = intervals(&points, &figure.y, &place);
        if !ends.is_empty() {
            let line = layer.series.shape == Shape::Line;
            series.push(json!({
                "type": "custom",
                "name": layer.series.name,
                "renderItem": "interval",
                "band": line && ends.len() > WHISKERS,
                "beside": bar(layer).map(|bar| json!({ "bar": bar, "bars": bars.len() })),
                "itemStyle": { "color": look.colour, "opacity": if layer.faint { FAINT } else { 1.0 } },
                "data": ends,
                "encode": { "x": 0, "y": [1, 2] },
                "silent": true,
                "z": 4,
            }));
        }
    }
    let names = names(layers, bar);
    let by_axis = steps.is_some() || !figure.x.names.is_empty() || has(Shape::Line);
    json!({
        "animation": false,
        "textStyle": { "color": "var(--ink)", "fontFamily": "var(--sans)" },
        "legend": {
            "show": names.len() > 1, "type": "scroll", "data": names, "top": 0,
            "textStyle": { "color": "var(--ink)" }, "inactiveColor": "var(--ghost)",
            "pageTextStyle": { "color": "var(--soft)" }, "pageIconColor": "var(--now)", "pageIconInactiveColor": "var(--line)",
        },
        "grid": {
            "left": 10, "right": if layers.iter().any(alike) { 86 } else { 16 }, "top": if names.len() > 1 { 38 } else { 12 }, "bottom": 10,
            "outerBoundsMode": "same", "outerBoundsContain": "all",
        },
        "tooltip": {
            "trigger": if by_axis { "axis" } else { "item" }, "confine": true,
            "backgroundColor": "var(--card)", "borderColor": "var(--line)",
            "textStyle": { "color": "var(--ink)", "fontSize": 12.5 },
        },
        "xAxis": across,
        "yAxis": upwards,
        "series": series,
    })
}

/// What the legend calls the layers; `bar` tells which have a bar of their subject.
fn names(layers: &[Layer], bar: impl Fn(&Layer) -> Option<usize>) -> Vec<Value> {
    let named = |layer: &Layer| {
        let name = &layer.series.name;
        match layer.series.shape {
            Shape::Reference => json!({ "name": name, "icon": DASHES }),
            Shape::Dots if bar(layer).is_some() => json!({ "name": name, "icon": "circle" }),
            _ => json!({ "name": name }),
        }
    };
    layers.iter().map(named).collect()
}

/// Up to so many names are written across, on as many lines as they need.
const ACROSS: usize = 6;
/// Up to so many are written aslant; of more, some are left out.
const ASLANT: usize = 20;

fn axis(axis: &Axis) -> Value {
    let kind = match (axis.names.is_empty(), axis.scale) {
        (false, _) => "category",
        (true, Scale::Linear) => "value",
        (true, Scale::Log) => "log",
    };
    let names = axis.names.len();
    let mut label = json!({ "color": "var(--soft)", "hideOverlap": true });
    if (1..=ACROSS).contains(&names) {
        label["interval"] = json!(0);
        label["hideOverlap"] = json!(false);
        label["wrap"] = json!(true);
    } else if (1..=ASLANT).contains(&names) && axis.names.iter().any(|name| name.len() > 2) {
        label["interval"] = json!(0);
        label["rotate"] = json!(45);
    }
    json!({
        "type": kind,
        "name": axis.label,
        "nameLocation": "middle",
        "nameTextStyle": { "color": "var(--soft)" },
        "data": (!axis.names.is_empty()).then_some(&axis.names),
        "scale": true,
        "axisLabel": label,
        "axisLine": { "lineStyle": { "color": "var(--ghost)" } },
        "axisTick": { "lineStyle": { "color": "var(--ghost)" } },
        "splitLine": { "show": axis.names.is_empty(), "lineStyle": { "color": "var(--line)" } },
    })
}

/// The places on a numeric axis, in spec.
fn steps(layers: &[Layer]) -> Vec<f64> {
    let points = layers.iter().flat_map(|layer| &layer.series.points);
    let mut steps: Vec<f64> = points.map(|point| point.x).collect();
    steps.sort_by(f64::total_cmp);
    steps.dedup();
    steps
}

fn one(layer: &Layer, look: &Look, points: &[&Point], place: &impl Fn(f64) -> f64) -> Value {
    let shape = layer.series.shape;
    let data: Vec<Value> = points
        .iter()
        .map(
            |point| json!({ "value": [place(point.x), point.y], "low": point.low, "high": point.high }),
        )
        .collect();
    json!({
        "type": match shape {
            Shape::Line | Shape::Reference => "line",
            Shape::Bars => "bar",
            Shape::Dots => "scatter",
        },
        "name": layer.series.name,
        "data": data,
        "color": look.colour,
        "symbol": if shape == Shape::Reference { "none" } else { look.symbol },
        "symbolSize": 7,
        "lineStyle": {
            "width": if shape == Shape::Reference { 1.5 } else { 2.0 },
            "type": if shape == Shape::Reference { "dashed" } else { "solid" },
            "opacity": if layer.faint { FAINT } else { 1.0 },
        },
        "itemStyle": {
            "opacity": if layer.faint { FAINT } else { 1.0 },
            // Dots are seen on bars of their colour.
            "borderColor": "var(--card)", "borderWidth": u8::from(shape == Shape::Dots),
        },
        "barGap": "12%",
        "barCategoryGap": "24%",
        "barMaxWidth": 46,
        "emphasis": { "disabled": true },
        "z": match (layer.faint, shape) {
            (true, _) => 2,
            (false, Shape::Dots) => 5,
            (false, _) => 3,
        },
    })
}

fn intervals(points: &[&Point], y: &Axis, place: &impl Fn(f64) -> f64) -> Vec<Value> {
    let ends = |point: &&Point| {
        let (low, high) = (point.low?, point.high?);
        let drawable =
            low.is_finite() && high.is_finite() && (y.scale == Scale::Linear || low > 0.0);
        drawable.then(|| json!([place(point.x), low, high]))
    };
    points.iter().filter_map(ends).collect()
}

/// A flow picture. ECharts draws no circles, so where streams run in one, sources and goals are told apart.
fn streams(flows: &[Flow]) -> Value {
    let split = runs_in_circles(flows);
    let goal = |flow: &Flow| {
        if split {
            // Invisible, and makes another name.
            format!("{}\u{200b}", flow.to)
        } else {
            flow.to.clone()
        }
    };
    let flowing = || flows.iter().filter(|flow| flow.weight > 0.0);
    let mut names: Vec<String> = Vec::new();
    for name in flowing().flat_map(|flow| [flow.from.clone(), goal(flow)]) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let nodes: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
    let links: Vec<Value> = flowing()
        .map(|flow| json!({ "source": flow.from, "target": goal(flow), "value": flow.weight }))
        .collect();
    let colours: Vec<String> = (1..=COLOURS).map(|at| format!("var(--c{at})")).collect();
    json!({
        "animation": false,
        "color": colours,
        "textStyle": { "color": "var(--ink)", "fontFamily": "var(--sans)" },
        "tooltip": {
            "trigger": "item", "confine": true,
            "backgroundColor": "var(--card)", "borderColor": "var(--line)",
            "textStyle": { "color": "var(--ink)", "fontSize": 12.5 },
        },
        "series": [{
            "type": "sankey", "data": nodes, "links": links,
            "left": 8, "right": "24%", "top": 12, "bottom": 12, "nodeGap": 7, "draggable": false,
            "lineStyle": { "color": "gradient", "opacity": 0.4 },
            "label": { "color": "var(--ink)", "overflow": "truncate" },
            "labelLayout": { "hideOverlap": true },
            "emphasis": { "focus": "adjacency" },
        }],
    })
}

fn runs_in_circles(flows: &[Flow]) -> bool {
    let mut left: Vec<&Flow> = flows.iter().collect();
    loop {
        let goals: BTreeSet<&str> = left.iter().map(|flow| &*flow.to).collect();
        let before = left.len();
        // What nothing flows into is in no circle.
        left.retain(|flow| goals.contains(&*flow.from));
        if left.is_empty() || left.len() == before {
            return !left.is_empty();
        }
    }
}

#[cfg(test)]
mod tests {
    use experiments::{Figure, Series};

    use super::*;
    use crate::figures::overlay::pairs;

    fn drawn(x: Axis, y: Axis, series: Vec<Series>) -> Value {
        let mut figure = Figure::new("f", "F", x, y);
        figure.series = series;
        option(&pairs(&[figure], &[])[0])
    }

    fn series(name: &str, shape: Shape, points: &[(f64, f64)]) -> Series {
        Series {
            name: name.to_owned(),
            shape,
            points: points.iter().map(|&(x, y)| Point::at(x, y)).collect(),
        }
    }

    #[test]
    fn names_make_an_axis_of_categories_and_every_series_is_in_the_legend() {
        let option = drawn(
            Axis::of_names("side", ["head", "tail"]),
            Axis::linear("share, %"),
            vec![
                series("base", Shape::Bars, &[(0.0, 50.0), (1.0, 50.0)]),
                series("raters", Shape::Bars, &[(0.0, 90.0), (1.0, 10.0)]),
                series("raters, 200 throws", Shape::Dots, &[(0.0, 88.0)]),
            ],
        );
        assert_eq!(option["xAxis"]["type"], "category");
        assert_eq!(option["xAxis"]["data"], json!(["head", "tail"]));
        assert_eq!(
            option["xAxis"]["axisLabel"]["interval"], 0,
            "no name is left out"
        );
        assert_eq!(option["yAxis"]["scale"], false, "bars stand on 0");
        let legend = option["legend"]["data"].as_array().unwrap();
        let names: Vec<&str> = legend
            .iter()
            .map(|one| one["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["base", "raters", "raters, 200 throws"]);
        let series = option["series"].as_array().unwrap();
        assert_eq!(series[0]["color"], "var(--soft)");
        assert_eq!(
            series[1]["color"], series[2]["color"],
            "one subject, one colour"
        );
        assert_eq!(series[2]["type"], "custom");
        assert_eq!(
            series[2]["beside"],
            json!({ "bar": 1, "bars": 2 }),
            "dots stand at their subject's bar"
        );
        assert_eq!(series[1]["data"][0]["value"], json!([0.0, 90.0]));
    }

    #[test]
    fn log_axes_leave_out_what_has_no_logarithm() {
        let points = [(0.0, 1.0), (1.0, 0.0), (2.0, 3.0), (4.0, f64::NAN)];
        let option = drawn(
            Axis::log("n"),
            Axis::log("nats"),
            vec![series("base", Shape::Line, &points)],
        );
        assert_eq!(option["xAxis"]["type"], "log");
        assert_eq!(option["series"][0]["data"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn intervals_are_whiskers_and_of_long_lines_a_band() {
        let line = |points: usize| Series {
            name: "base".to_owned(),
            shape: Shape::Line,
            points: (0..points)
                .map(|at| Point::at(at as f64, 1.0).within(Some((0.5, 2.0))))
                .collect(),
        };
        for (points, band) in [(3, false), (40, true)] {
            let option = drawn(Axis::linear("t"), Axis::linear("bits"), vec![line(points)]);
            let interval = &option["series"][1];
            assert_eq!(interval["renderItem"], "interval");
            assert_eq!(interval["band"], band);
            assert_eq!(interval["data"][1], json!([1.0, 0.5, 2.0]));
            assert_eq!(interval["name"], "base", "the legend turns both off");
        }
    }

    #[test]
    fn bars_at_numbers_stand_at_their_names() {
        let option = drawn(
            Axis::linear("budget"),
            Axis::linear("reward"),
            vec![
                series("a", Shape::Bars, &[(2.0, 1.0), (24.0, 3.0)]),
                series("b", Shape::Bars, &[(12.0, 2.0)]),
            ],
        );
        assert_eq!(option["xAxis"]["data"], json!(["2", "12", "24"]));
        assert_eq!(option["series"][1]["data"][0]["value"], json!([1.0, 2.0]));
    }

    #[test]
    fn streams_that_run_in_circles_are_cut_open() {
        let flow = |from: &str, to: &str| Flow {
            from: from.to_owned(),
            to: to.to_owned(),
            weight: 1.0,
        };
        assert!(!runs_in_circles(&[flow("a", "b"), flow("b", "c")]));
        let turning = [flow("a", "b"), flow("b", "a"), flow("c", "c")];
        assert!(runs_in_circles(&turning));
        let option = streams(&turning);
        let nodes = option["series"][0]["data"].as_array().unwrap();
        assert_eq!(nodes.len(), 6);
        assert_eq!(option["series"][0]["links"][0]["target"], "b\u{200b}");
    }
}
