//! `collapse card`: an adapter's model card and the plot of its run, from its recipe and log. `collapse tune` calls it at its end.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use plotters::prelude::*;
use serde::Deserialize;
use training::rl::TuneRecipe;

use crate::output;

/// Width and height of the picture, in CSS pixels.
const SIZE: (u32, u32) = (760, 600);
/// Steps at the end of the run that the card averages over.
const LAST_STEPS: usize = 10;
/// Steps whose logged completion the card shows, besides the first.
const SHOWN: usize = 5;

/// Arguments of `collapse card`.
#[derive(Args)]
pub struct Card {
    /// Folder of an adapter, with its training.toml and training-log.jsonl
    adapter: PathBuf,
}

/// One line of the log.
#[derive(Deserialize)]
struct Step {
    #[serde(rename = "step")]
    number: usize,
    reward: f64,
    kl_nats: f64,
    entropy_nats: f64,
    length: f64,
    kl_coefficient: f64,
    seconds: f64,
    sample: Sample,
}

/// A plotted value of a step.
type Value = fn(&Step) -> f64;

#[derive(Deserialize)]
struct Sample {
    prompt: String,
    text: String,
    reward: f64,
}

impl Card {
    /// Writes README.md and curve.svg to the folder.
    pub fn run(self) -> anyhow::Result<()> {
        write(&self.adapter)?;
        output::line(&format!("written to {}", self.adapter.display()))
    }
}

/// Writes the card and the plot of the run whose recipe and log are in a folder.
pub fn write(folder: &Path) -> anyhow::Result<()> {
    let recipe = TuneRecipe::read(&folder.join("training.toml"))?;
    let steps = read(&folder.join("training-log.jsonl"))?;
    let picture = folder.join("curve.svg");
    draw(&steps, &picture).with_context(|| format!("cannot draw {}", picture.display()))?;
    let size = fs::metadata(folder.join("adapter_model.safetensors"))
        .with_context(|| format!("{} holds no adapter yet", folder.display()))?
        .len();
    // Canonical, so that `.` has a name, too.
    let folder = folder.canonicalize()?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let about = about(&fs::read_to_string(folder.join("training.toml"))?);
    let card = folder.join("README.md");
    fs::write(&card, text(&name, &about, &recipe, &steps, size))
        .with_context(|| format!("cannot write {}", card.display()))
}

fn read(path: &Path) -> anyhow::Result<Vec<Step>> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read the log {}", path.display()))?;
    let steps: Vec<Step> = text
        .lines()
        .zip(1..)
        .map(|(line, number)| {
            serde_json::from_str(line).with_context(|| format!("{}, line {number}", path.display()))
        })
        .collect::<anyhow::Result<_>>()?;
    if steps.len() < 2 {
        bail!(
            "{} has fewer than two lines: there is nothing to plot yet",
            path.display()
        );
    }
    Ok(steps)
}

/// The comments before a recipe's first value, without commands.
fn about(recipe: &str) -> String {
    let comments = recipe.lines().map_while(|line| line.strip_prefix('#'));
    let said = comments.filter(|line| !line.starts_with("   ") && !line.ends_with("was made:"));
    said.map(str::trim).collect::<Vec<_>>().join("\n")
}

fn text(name: &str, about: &str, recipe: &TuneRecipe, steps: &[Step], bytes: u64) -> String {
    let last = &steps[steps.len().saturating_sub(LAST_STEPS)..];
    let mean = |value: fn(&Step) -> f64| last.iter().map(value).sum::<f64>() / last.len() as f64;
    let end = &steps[steps.len() - 1];
    let targets: Vec<&str> = recipe
        .adapter
        .targets
        .iter()
        .map(|target| target.name())
        .collect();
    let budget = match recipe.kl.target_nats {
        Some(target) => format!(
            "controlled to {target} nats per completion, coefficient {} at the end",
            significant(end.kl_coefficient)
        ),
        None => format!("coefficient {} (reward per nat)", recipe.kl.coefficient),
    };
    let start = recipe.start.as_deref().map_or_else(
        || "the base".to_owned(),
        |start| start.display().to_string(),
    );
    let mut card = format!(
        "---\nlibrary_name: peft\nbase_model: {}\n---\n\n# {name}\n\n{about}\n\nA LoRA adapter of the storyteller in \
         [{}]({}), trained by this project's own code from the recipe in [training.toml](training.toml).\n\n",
        recipe.base.display(),
        recipe.base.display(),
        recipe.base.display()
    );
    let rows = [
        (
            "adapter",
            format!(
                "rank {}, alpha {}, on {}",
                recipe.adapter.rank,
                recipe.adapter.alpha,
                targets.join(", ")
            ),
        ),
        ("file", format!("f16 safetensors, {bytes} bytes")),
        ("started from", start),
        (
            "steps",
            format!(
                "{} of {} prompts with {} of at most {} tokens each, in {:.0} minutes on two shared CPU cores",
                end.number,
                recipe.steps.prompts,
                match recipe.steps.group {
                    1 => "one target (SFT)".to_owned(),
                    group => format!("{group} completions"),
                },
                recipe.steps.length,
                end.seconds / 60.0
            ),
        ),
        ("divergence from the base", budget),
    ];
    card += "| | |\n| --- | --- |\n";
    for (name, value) in rows {
        writeln!(card, "| {name} | {value} |").expect("a String takes every text");
    }
    write!(
        card,
        "\nMeans per completion:\n\n| | reward | KL from the base, nats | entropy, nats per token | tokens |\n| --- | --- | --- | --- | --- |\n\
         | first step | {:.2} | {:.2} | {:.2} | {:.0} |\n| last {} steps | {:.2} | {:.2} | {:.2} | {:.0} |\n\n\
         ![Reward, divergence and entropy by step](curve.svg)\n\n## Samples\n\nThe first completion of some steps; \
         the prompt is in bold.\n",
        steps[0].reward,
        steps[0].kl_nats,
        steps[0].entropy_nats,
        steps[0].length,
        last.len(),
        mean(|step| step.reward),
        mean(|step| step.kl_nats),
        mean(|step| step.entropy_nats),
        mean(|step| step.length),
    )
    .expect("a String takes every text");
    for index in (0..=SHOWN).map(|part| part * (steps.len() - 1) / SHOWN) {
        let Step { number, sample, .. } = &steps[index];
        let shown = format!("**{}**{}", sample.prompt.trim_end(), sample.text);
        let quoted: Vec<String> = shown.lines().map(|line| format!("> {line}")).collect();
        write!(
            card,
            "\nStep {number}, reward {:.2}:\n\n{}\n",
            sample.reward,
            quoted.join("\n")
        )
        .expect("a String takes every text");
    }
    card += "\n## Licence and limits\n\nMIT or Apache-2.0, as the code. It demonstrates what tuning to a reward does.\n";
    card
}

/// Two significant digits.
fn significant(value: f64) -> String {
    let digits = (1.0 - value.abs().max(1e-9).log10().floor()).clamp(0.0, 9.0) as usize;
    format!("{value:.digits$}")
}

fn draw(steps: &[Step], path: &Path) -> anyhow::Result<()> {
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    // The page's blue.
    let blue = RGBColor(0x1F, 0x5F, 0xBF);
    let panels: [(&str, Value); 3] = [
        ("reward", |step| step.reward),
        ("KL from the base, nats", |step| step.kl_nats),
        ("entropy, nats per token", |step| step.entropy_nats),
    ];
    for (panel, (title, value)) in area.split_evenly((3, 1)).iter().zip(panels) {
        let values = || steps.iter().map(value);
        let lowest = values().fold(f64::INFINITY, f64::min);
        let highest = values().fold(f64::NEG_INFINITY, f64::max);
        let margin = 0.05 * (highest - lowest).max(0.1);
        let mut chart = ChartBuilder::on(panel)
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(56)
            .build_cartesian_2d(
                steps[0].number as f64..steps[steps.len() - 1].number as f64,
                (lowest - margin)..(highest + margin),
            )?;
        chart
            .configure_mesh()
            .x_desc("step")
            .y_desc(title)
            .x_label_formatter(&|step| format!("{step:.0}"))
            .y_labels(5)
            .label_style(("sans-serif", 13))
            .axis_desc_style(("sans-serif", 14))
            .light_line_style(WHITE)
            .draw()?;
        let points = steps.iter().map(|step| (step.number as f64, value(step)));
        chart.draw_series(LineSeries::new(points, blue.stroke_width(2)))?;
    }
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_comments_above_a_recipe_describe_it() {
        let recipe = "# How x was made:\n#   collapse tune x\n# Rewarded by sentiment.\n# Over-optimised.\n\nseed = 1\n# a value\n";
        assert_eq!(about(recipe), "Rewarded by sentiment.\nOver-optimised.");
    }

    #[test]
    fn two_digits_are_significant() {
        for (value, text) in [
            (0.012_34, "0.012"),
            (1.5, "1.5"),
            (12.6, "13"),
            (0.0, "0.000000000"),
        ] {
            assert_eq!(significant(value), text);
        }
    }
}
