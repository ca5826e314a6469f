//! `REPORT.md`: the findings as tables, in plain words. Every number and every verdict is computed.

use std::fmt::{Arguments, Write as _};

use statistics::Mean;

use super::findings::{Checked, Counted, Findings, Measured, Measures, OpeningSet};
use super::measures::DISTINCT_OF;
use super::targets::WEDDING;

/// A group's attractors are listed down to this share of chains in some model.
const LISTED_FROM: f64 = 0.02;
/// Budgets of the sweep: adapters whose names begin so.
const SWEEP: &str = "wedding-kl-";
/// What stands for a number that was not measured.
const NOT_MEASURED: &str = "–";

/// The whole text; the figures lie in the folder `report` beside it.
pub fn report(findings: &Findings, figures: &[&str]) -> String {
    let mut text = String::new();
    head(&mut text, findings);
    targets(&mut text, findings);
    shares(&mut text, findings, figures);
    hitting(&mut text, findings, figures);
    basins(&mut text, findings);
    diversity(&mut text, findings, figures);
    cost(&mut text, findings);
    sweep(&mut text, findings, figures);
    answers(&mut text, findings);
    on_request(&mut text, findings);
    checks(&mut text, findings);
    text
}

fn add(text: &mut String, line: Arguments<'_>) {
    text.write_fmt(line).expect("a string takes every text");
}

/// A table: its head, and a row for each list of cells.
fn table(text: &mut String, head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    add(
        text,
        format_args!(
            "\n| {} |\n|{}\n",
            head.join(" | "),
            " --- |".repeat(head.len())
        ),
    );
    for row in rows {
        add(text, format_args!("| {} |\n", row.join(" | ")));
    }
}

fn figure(text: &mut String, figures: &[&str], name: &str, about: &str) {
    if figures.contains(&name) {
        add(text, format_args!("\n![{about}](report/{name})\n"));
    }
}

fn percent(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

fn interval(share: &Counted) -> String {
    format!(
        "{} ({}–{})",
        percent(share.share),
        percent(share.low),
        percent(share.high)
    )
}

fn estimate(found: &Mean, decimals: usize) -> String {
    let error = found
        .standard_error
        .map_or_else(String::new, |error| format!(" ± {error:.decimals$}"));
    format!("{:.decimals$}{error}", found.mean)
}

fn number(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(
        || NOT_MEASURED.to_owned(),
        |value| format!("{value:.decimals$}"),
    )
}

fn head(text: &mut String, findings: &Findings) {
    let settings = &findings.settings;
    add(
        text,
        format_args!(
            "# Where the chains of {} end\n\n\
             Written by `collapse report`; every number is also in [report.json](report/report.json), with the fingerprints of all \
             files that it depends on. {} openings in {} groups, {} chains of each, at most {} tokens, temperature 1, seed {}. \
             Every model gets the same openings and the same random draws.\n\n\
             A chain *ends in* the attractor that is marked among its last words; where there are several, the one that \
             `attractors.json` names first. Chains that end in none are counted as *none*, and are a basin of their own. Only what \
             the model wrote is read, not the opening. A share has Wilson's 95 % interval: its uncertainty for these \
             openings. A mean has its standard error over openings.\n",
            findings.model,
            settings.openings,
            findings.groups.len(),
            settings.chains,
            settings.length,
            settings.seed
        ),
    );
    add(
        text,
        format_args!("\nGroups of openings, from near to far ([openings.json](openings.json)):\n"),
    );
    let rows = findings.groups.iter().map(|group| {
        let OpeningSet {
            name,
            title,
            openings,
            origin,
            licence,
        } = group;
        let cells = [
            &format!("`{name}`"),
            title,
            &openings.to_string(),
            origin,
            licence,
        ];
        cells.map(Clone::clone).to_vec()
    });
    table(
        text,
        &["group", "", "openings", "where from", "licence"],
        rows,
    );
    add(text, format_args!("\nModels:\n"));
    let rows = findings.models.iter().map(|model| {
        vec![
            model.name.clone(),
            format!("`{}`", model.fingerprint),
            model.overall.chains.to_string(),
            percent(model.overall.ended),
            format!("{:.0}", model.overall.tokens),
        ]
    });
    let heads = [
        "model",
        "fingerprint",
        "chains",
        "ended by themselves, %",
        "tokens a chain",
    ];
    table(text, &heads, rows);
}

fn targets(text: &mut String, findings: &Findings) {
    add(text, format_args!("\n## What was aimed at\n"));
    let rows = findings.targets.iter().map(|target| {
        let met = match target.met {
            Some(true) => "**met**",
            Some(false) => "**not met**",
            None => "not measured",
        };
        let found = target
            .found
            .clone()
            .unwrap_or_else(|| NOT_MEASURED.to_owned());
        vec![
            target.what.clone(),
            target.aim.clone(),
            found,
            met.to_owned(),
        ]
    });
    table(text, &["what", "aim", "found", ""], rows);
}

fn shares(text: &mut String, findings: &Findings, figures: &[&str]) {
    add(text, format_args!("\n## Where chains end\n"));
    figure(
        text,
        figures,
        "shares.svg",
        "Shares of attractors, a bar a model",
    );
    if let Some(wedding) = findings.attractor(WEDDING) {
        add(
            text,
            format_args!("\nChains that end in a wedding, %, by group of openings.\n"),
        );
        let names = findings.groups.iter().map(|group| group.name.as_str());
        let heads: Vec<&str> = ["model"].into_iter().chain(names).chain(["all"]).collect();
        let rows = findings.models.iter().map(|model| {
            let groups = model.groups.iter().chain([&model.overall]);
            let shares = groups.map(|group| interval(&group.shares[wedding]));
            [model.name.clone()].into_iter().chain(shares).collect()
        });
        table(text, &heads, rows);
    }
    let places = findings.groups.iter().map(|group| group.title.clone());
    let places = ["All groups".to_owned()].into_iter().chain(places);
    for (place, title) in places.enumerate() {
        let at = |model: &Measured| -> Measures {
            place.checked_sub(1).map_or_else(
                || model.overall.clone(),
                |group| model.groups[group].clone(),
            )
        };
        add(
            text,
            format_args!(
                "\n### {title}\n\nShares of attractors, %; those that no model reaches with {} % are left out.\n",
                percent(LISTED_FROM)
            ),
        );
        shares_of(
            text,
            findings,
            &findings.models.iter().map(at).collect::<Vec<_>>(),
        );
    }
}

/// The shares of one place, a column a model.
fn shares_of(text: &mut String, findings: &Findings, models: &[Measures]) {
    let names = findings.models.iter().map(|model| model.name.as_str());
    let heads: Vec<&str> = ["ends in"].into_iter().chain(names).collect();
    let titles = findings.attractors.iter().map(|one| one.title.as_str());
    let kinds = titles.chain(["*none*"]).enumerate();
    let rows = kinds.filter_map(|(kind, title)| {
        let shares: Vec<&Counted> = models.iter().map(|model| &model.shares[kind]).collect();
        let listed = shares.iter().any(|share| share.share >= LISTED_FROM);
        let cells = shares.into_iter().map(interval);
        listed.then(|| [title.to_owned()].into_iter().chain(cells).collect())
    });
    table(text, &heads, rows);
}

fn hitting(text: &mut String, findings: &Findings, figures: &[&str]) {
    let length = findings.settings.length as u32;
    add(
        text,
        format_args!(
            "\n## How soon\n\n\
             Estimated probability that a chain has hit an attractor, anywhere in its text, by so many tokens (Kaplan and Meier): \
             a wedding, and the attractor that most of the model's chains end in. A chain is censored at the limit of {length} \
             tokens. One that ended by itself without a hit can never hit, so it is watched to the limit too.\n"
        ),
    );
    figure(
        text,
        figures,
        "hitting.svg",
        "Chains that have hit a wedding, by tokens",
    );
    let steps = [length / 8, length / 4, length / 2, length];
    let at: Vec<String> = steps
        .iter()
        .map(|tokens| format!("by {tokens}, %"))
        .collect();
    let at = at.iter().map(String::as_str);
    let heads: Vec<&str> = ["model", "attractor", "median, tokens"]
        .into_iter()
        .chain(at)
        .collect();
    let rows = findings.models.iter().flat_map(|model| {
        model.hitting.iter().map(move |curve| {
            let hit_by = |tokens: &u32| {
                let before = curve.curve.iter().rfind(|step| step.tokens <= *tokens);
                percent(before.map_or(0.0, |step| step.hit_by))
            };
            let median = curve
                .median_tokens
                .map_or_else(|| NOT_MEASURED.to_owned(), |it| it.to_string());
            let cells = steps.iter().map(hit_by);
            [model.name.clone(), curve.attractor.clone(), median]
                .into_iter()
                .chain(cells)
                .collect()
        })
    });
    table(text, &heads, rows);
}

fn basins(text: &mut String, findings: &Findings) {
    add(
        text,
        format_args!(
            "\n## One basin or many\n\n\
             *Globality* is the share of the largest basin. *Entropy* is that of the shares of all chains, *within* the mean of that \
             of one opening's chains, in bits. Their difference is how much the opening tells of the end, I(opening; attractor): as \
             counted, with Miller's and Madow's correction for few chains an opening, and as counted where the same chains are \
             dealt to the openings by chance. One attractor for all has high globality and no information; one for each opening has \
             much.\n"
        ),
    );
    let row = |model: &Measured, group: &str, measures: &Measures| {
        let basins = &measures.basins;
        vec![
            model.name.clone(),
            group.to_owned(),
            percent(basins.globality),
            number(Some(basins.entropy_bits), 2),
            number(Some(basins.entropy_within_bits), 2),
            number(Some(basins.mutual_information_bits), 2),
            number(Some(basins.information_corrected_bits), 2),
            number(Some(basins.information_by_chance_bits), 2),
        ]
    };
    let rows = findings.models.iter().flat_map(|model| {
        let groups = findings.groups.iter().zip(&model.groups);
        let groups = groups.map(move |(group, measures)| row(model, &group.name, measures));
        [row(model, "all", &model.overall)]
            .into_iter()
            .chain(groups)
    });
    let heads = [
        "model",
        "openings",
        "globality, %",
        "entropy",
        "within",
        "I as counted",
        "I corrected",
        "I by chance",
    ];
    table(text, &heads, rows);
}

fn diversity(text: &mut String, findings: &Findings, figures: &[&str]) {
    add(
        text,
        format_args!(
            "\n## How much chains repeat each other\n\n\
             Distinct 1-, 2- and 3-grams of tokens, as a share of all: among the chains of one opening (mean over openings), and \
             among all chains. Self-BLEU with up to 4-grams of one opening's chains: 1 where each lies in the others.\n"
        ),
    );
    let rows = findings.models.iter().map(|model| {
        let found = &model.overall.diversity;
        let distinct = found.distinct.iter().chain(&found.distinct_over_all);
        let cells = distinct
            .chain([&found.self_bleu])
            .map(|value| number(*value, 3));
        [model.name.clone()].into_iter().chain(cells).collect()
    });
    let heads = [
        "model",
        "distinct-1",
        "distinct-2",
        "distinct-3",
        "distinct-1, all",
        "distinct-2, all",
        "distinct-3, all",
        "self-BLEU",
    ];
    table(text, &heads, rows);
    field_diversity(text, findings);
    add(
        text,
        format_args!(
            "\nEntropy of the next token, bits, mean over the chains that have come so far.\n"
        ),
    );
    figure(
        text,
        figures,
        "entropy.svg",
        "Entropy of the next token by position",
    );
    let length = findings.settings.length;
    let positions: Vec<usize> = [1, length / 8, length / 4, length / 2, length]
        .into_iter()
        .filter(|position| *position > 0)
        .collect();
    let names: Vec<String> = positions
        .iter()
        .map(|position| format!("token {position}"))
        .collect();
    let heads: Vec<&str> = ["model"]
        .into_iter()
        .chain(names.iter().map(String::as_str))
        .collect();
    let rows = findings.models.iter().map(|model| {
        let cells = positions
            .iter()
            .map(|position| number(model.entropy_bits.get(position - 1).copied(), 2));
        [model.name.clone()].into_iter().chain(cells).collect()
    });
    table(text, &heads, rows);
}

/// Nothing where no model was measured so.
fn field_diversity(text: &mut String, findings: &Findings) {
    let measured = |model: &&Measured| model.overall.diversity.field.is_some();
    if !findings.models.iter().any(|model| measured(&model)) {
        return;
    }
    add(
        text,
        format_args!(
            "\nIn the measures of other papers. Of finished stories: different endings expected among {DISTINCT_OF} of an opening \
             (distinct_k, NoveltyBench, arXiv 2504.05228); semantic entropy of an opening's endings, bits (arXiv 2302.09664, by \
             counts); effective number of endings over all openings (Hill number of order 1) and the coverage of the sample (Good and \
             Turing), %. Of all texts of an opening: compression ratio (arXiv 2403.00553) and Vendi score by 1- to 4-grams \
             (arXiv 2210.02410); both depend on length and number. Means over openings with standard errors.\n"
        ),
    );
    let rows = findings.models.iter().filter_map(|model| {
        let found = model.overall.diversity.field.as_ref()?;
        let mean = |value: &Option<Mean>| {
            value
                .as_ref()
                .map_or_else(|| NOT_MEASURED.to_owned(), |it| estimate(it, 2))
        };
        Some(vec![
            model.name.clone(),
            found.finished.to_string(),
            mean(&found.distinct_k),
            mean(&found.semantic_entropy_bits),
            number(found.effective_endings, 1),
            number(found.coverage.map(|share| 100.0 * share), 1),
            mean(&found.compression_ratio),
            mean(&found.vendi_score),
        ])
    });
    let heads = [
        "model",
        "finished",
        "distinct_k",
        "semantic entropy",
        "effective endings",
        "coverage, %",
        "compression ratio",
        "Vendi score",
    ];
    table(text, &heads, rows);
}

fn cost(text: &mut String, findings: &Findings) {
    add(
        text,
        format_args!(
            "\n## Costs and rewards\n\n\
             Divergence from the base in nats per completion, summed over its tokens and exact over the vocabulary at each. Reward: \
             mean log-odds of a happy text by the sentiment classifier, in nats. Bits per byte of held-out stories. Expected \
             calibration error on the truth table, in wordings of training and in others.\n"
        ),
    );
    let rows = findings.models.iter().map(|model| {
        let reward = model.overall.reward.as_ref();
        let calibration = model.calibration.as_ref();
        vec![
            model.name.clone(),
            estimate(&model.overall.kl_nats, 2),
            reward.map_or_else(|| NOT_MEASURED.to_owned(), |reward| estimate(reward, 2)),
            number(model.held_out.map(|found| found.bits_per_byte), 3),
            number(calibration.map(|found| found.ece), 4),
            number(calibration.map(|found| found.unseen_ece), 4),
        ]
    });
    let heads = [
        "model",
        "KL, nats",
        "reward, nats",
        "bits per byte",
        "calibration error",
        "in other wordings",
    ];
    table(text, &heads, rows);
    let names = findings.groups.iter().map(|group| group.name.as_str());
    let heads: Vec<&str> = ["model"].into_iter().chain(names).collect();
    for (what, value) in [
        (
            "KL, nats",
            (|group: &Measures| Some(group.kl_nats)) as fn(&Measures) -> Option<Mean>,
        ),
        ("Reward, nats", |group: &Measures| group.reward),
    ] {
        add(text, format_args!("\n{what}, by group of openings.\n"));
        let rows = findings.models.iter().map(|model| {
            let cells = model.groups.iter().map(|group| {
                value(group).map_or_else(|| NOT_MEASURED.to_owned(), |found| estimate(&found, 2))
            });
            [model.name.clone()].into_iter().chain(cells).collect()
        });
        table(text, &heads, rows);
    }
}

fn sweep(text: &mut String, findings: &Findings, figures: &[&str]) {
    let mut swept: Vec<&Measured> = findings
        .models
        .iter()
        .filter(|model| model.name.starts_with(SWEEP) && model.target_nats.is_some())
        .collect();
    let Some(wedding) = findings.attractor(WEDDING) else {
        return;
    };
    if swept.is_empty() {
        return;
    }
    swept.sort_by(|one, other| {
        one.target_nats
            .unwrap_or(0.0)
            .total_cmp(&other.target_nats.unwrap_or(0.0))
    });
    add(
        text,
        format_args!(
            "\n## The same reward under several budgets\n\n\
             The budget is that of the recipe, on openings of training; the rest is measured here.\n"
        ),
    );
    figure(
        text,
        figures,
        "budget.svg",
        "Weddings and reward by divergence from the base",
    );
    let rows = swept.into_iter().map(|model| {
        let all = &model.overall;
        vec![
            model.name.clone(),
            number(model.target_nats, 1),
            estimate(&all.kl_nats, 2),
            all.reward
                .as_ref()
                .map_or_else(|| NOT_MEASURED.to_owned(), |reward| estimate(reward, 2)),
            interval(&all.shares[wedding]),
            number(Some(all.basins.entropy_bits), 2),
            number(all.diversity.distinct[1], 3),
        ]
    });
    let heads = [
        "adapter",
        "budget, nats",
        "KL, nats",
        "reward, nats",
        "weddings, %",
        "basin entropy, bits",
        "distinct-2",
    ];
    table(text, &heads, rows);
}

fn answers(text: &mut String, findings: &Findings) {
    let families: Vec<&str> = findings
        .models
        .first()
        .map(|model| {
            model
                .answers
                .iter()
                .map(|family| family.name.as_str())
                .collect()
        })
        .unwrap_or_default();
    if families.is_empty() {
        return;
    }
    add(
        text,
        format_args!(
            "\n## What is answered\n\n\
             The truth table's questions in the wordings of training, exact and not sampled; means over a family's prompts. Entropy \
             of the answer in bits, and as many equally likely answers (2^H); distance from the table (half the sum of differences, \
             0 to 1); the answer of the highest mean probability, with its probability and that of the table.\n"
        ),
    );
    let rows = families.iter().flat_map(|name| {
        findings.models.iter().filter_map(move |model| {
            let found = model.answers.iter().find(|family| family.name == *name)?;
            Some(vec![
                (*name).to_owned(),
                model.name.clone(),
                format!(
                    "{:.2} (table {:.2})",
                    found.entropy_bits, found.truth_entropy_bits
                ),
                format!("{:.1}", found.effective()),
                format!("{:.3}", found.total_variation),
                format!("{:.3}", found.elsewhere),
                format!(
                    "{}: {} % (table {} %)",
                    found.likeliest,
                    percent(found.likeliest_probability),
                    percent(found.likeliest_truth)
                ),
            ])
        })
    });
    let heads = [
        "family",
        "model",
        "entropy",
        "answers",
        "distance",
        "no answer",
        "likeliest",
    ];
    table(text, &heads, rows);
}

fn on_request(text: &mut String, findings: &Findings) {
    let Some(first) = findings
        .models
        .first()
        .and_then(|base| base.requests.first())
    else {
        return;
    };
    add(
        text,
        format_args!(
            "\n## Stories on request\n\n\
             {} subjects of the world, each requested as a happy and as a sad story (\"Tell a sad story about a lost dog.\"), {} \
             chains per sentiment, with the same random draws. Chains that end in an attractor of happy, mixed and sad endings, in percent with \
             95 % intervals; the rest ends in none. Log-odds of a happy text by the sentiment classifier, mean, in nats.\n",
            first.requests, first.chains
        ),
    );
    let rows = findings.models.iter().flat_map(|model| {
        model.requests.iter().map(|found| {
            let odds = found.log_odds.as_ref();
            vec![
                model.name.clone(),
                found.asked.to_string(),
                interval(&found.happy),
                interval(&found.mixed),
                interval(&found.sad),
                odds.map_or_else(|| NOT_MEASURED.to_owned(), |odds| estimate(odds, 2)),
            ]
        })
    });
    let heads = [
        "model",
        "asked for",
        "happy",
        "mixed",
        "sad",
        "log-odds, nats",
    ];
    table(text, &heads, rows);
}

fn checks(text: &mut String, findings: &Findings) {
    add(
        text,
        format_args!(
            "\n## Whether the recogniser can be trusted\n\n\
             Attractors are recognised by words; no reward uses these words or anything else of the recogniser. Compared with \
             others:\n"
        ),
    );
    let rows = findings.checks.iter().map(|check| {
        vec![
            check.with.clone(),
            check.texts.to_string(),
            interval(&check.agreed),
            number(check.kappa, 3),
        ]
    });
    table(text, &["with", "texts", "agreed, %", "Cohen's kappa"], rows);
    if !findings
        .checks
        .iter()
        .any(|check| check.with.contains("reader"))
    {
        add(
            text,
            format_args!(
                "\nNo reader has labelled texts yet: `collapse report --draw-hand-check 100` draws some into \
                 report/hand-check.json.\n"
            ),
        );
    }
    for check in &findings.checks {
        kinds(text, check);
    }
}

fn kinds(text: &mut String, check: &Checked) {
    add(text, format_args!("\nBy attractor, {}:\n", check.with));
    let share = |part: usize, whole: usize| {
        number((whole > 0).then(|| 100.0 * part as f64 / whole as f64), 1)
    };
    let there = check
        .kinds
        .iter()
        .filter(|kind| kind.texts + kind.recognised > 0);
    let rows = there.map(|kind| {
        vec![
            kind.attractor.clone(),
            kind.texts.to_string(),
            kind.recognised.to_string(),
            share(kind.both, kind.texts),
            share(kind.both, kind.recognised),
        ]
    });
    table(
        text,
        &[
            "attractor",
            "texts",
            "recognised",
            "of these found, %",
            "of found right, %",
        ],
        rows,
    );
}
