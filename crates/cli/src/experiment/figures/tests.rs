//! Every kind of figure, drawn into a temporary folder.

use experiments::{Flow, RunConfig, Size};

use super::*;

#[test]
fn every_kind_of_figure_is_drawn() {
    let one = |name: &str, shape, ys: [f64; 3]| Series {
        name: name.to_owned(),
        shape,
        points: (1..)
            .map(f64::from)
            .zip(ys)
            .map(|(x, y)| Point::at(x, y).within(Some((0.9 * y, 1.1 * y))))
            .collect(),
    };
    let lines = Figure {
        series: vec![
            one("base", Shape::Line, [1.0, 10.0, f64::NAN]),
            one("asked", Shape::Reference, [2.0, 2.0, 2.0]),
            one("seen", Shape::Dots, [0.0, 3.0, 5.0]),
        ],
        ..Figure::new("lines", "Lines", Axis::log("chains"), Axis::log("nats"))
    };
    let bars = Figure {
        series: vec![
            one("base", Shape::Bars, [-1.0, 2.0, 3.0]),
            one("tuned", Shape::Bars, [1.0, 2.0, 3.0]),
        ],
        ..Figure::new(
            "bars",
            "Bars",
            Axis::of_names("decoder", ["greedy", "beam", "top-p", "plain"]),
            Axis::linear("%"),
        )
    };
    let nothing = Figure::new("nothing", "Nothing", Axis::linear("x"), Axis::linear("y"));
    let flow = |from: &str, to: &str, weight| Flow {
        from: from.to_owned(),
        to: to.to_owned(),
        weight,
    };
    let flows = Figure {
        flows: vec![flow("near", "wedding", 3.0), flow("far", "none", 1.0)],
        ..Figure::new("flows", "Flows", Axis::default(), Axis::default())
    };
    let results = ExperimentResults {
        experiment: "toy".to_owned(),
        setting: RunConfig::plain(Size::Quick),
        subjects: vec!["base".to_owned()],
        results: Vec::new().into(),
        controls: Vec::new(),
        figures: vec![lines, bars, nothing, flows],
        verdict: None,
    };
    let folder = tempfile::tempdir().unwrap();
    draw(&results, folder.path()).unwrap();
    let svg = |name: &str| {
        std::fs::read_to_string(folder.path().join(format!("toy-{name}.svg"))).unwrap()
    };
    assert!(
        svg("lines").contains("asked")
            && svg("bars").contains("greedy")
            && svg("nothing").contains("<svg")
            && svg("flows").contains("wedding")
    );
    for name in ["lines", "bars", "flows"] {
        assert!(!svg(name).contains("NaN"), "{name}");
    }
}

#[test]
fn ranges_hold_all_values_and_bars_begin_at_0() {
    assert_eq!(range([2.0, 3.0].into_iter(), Zero::Shown).start, 0.0);
    assert!(range([-2.0, 3.0].into_iter(), Zero::Shown).start < -2.0);
    assert!(range([5.0, 6.0].into_iter(), Zero::Near).start > 4.0);
    assert_eq!(range([f64::NAN].into_iter(), Zero::Near), 0.0..1.0);
    assert_eq!(label(&Axis::log("n"), 100_f64.ln()), "100");
    assert_eq!(label(&Axis::linear("n"), 0.5), "0.5");
}
