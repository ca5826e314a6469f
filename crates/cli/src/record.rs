//! `collapse record`: a run on the CPU, written down for the page to play until its weights have arrived.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, bail};
use clap::Args;
use protocol::{
    DeviceKind, DeviceReport, Done, Event, Frame, Logits, NO_TOKEN, Prefilled, RECORDED_RUN, Ready,
    Recording, RunOutcome, Settings, Step, VERSION, encode, read_link, write_link,
};
use transformer::{ModelFiles, Pipeline, Plan, Swarm, device};

use crate::model;

/// The prompt's own distribution stands alone for so long, milliseconds.
const BEFORE_FIRST_STEP_MS: u32 = 600;

/// Arguments of `collapse record`.
#[derive(Args)]
pub struct Record {
    /// Folder of the model; its name is that of the link's `model`
    #[arg(long, value_name = "DIR", default_value = "models/storyteller")]
    model: PathBuf,
    /// The experiment, as the page's link holds it behind `#`; left out, what the page opens with
    #[arg(long, value_name = "HASH", default_value = "")]
    link: String,
    /// The recording
    #[arg(long, value_name = "FILE", default_value = "www/recorded.bin")]
    out: PathBuf,
    /// Milliseconds that the replay takes for a step
    #[arg(long, value_name = "MS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pace_ms: u32,
}

impl Record {
    /// Runs the experiment and writes what the worker would have said.
    pub fn run(self) -> anyhow::Result<()> {
        let (settings, notes) = read_link(&self.link);
        if let Some(note) = notes.first() {
            bail!("{}", note.0);
        }
        let folder = self
            .model
            .canonicalize()
            .with_context(|| format!("cannot find the model folder {}", self.model.display()))?;
        if folder
            .file_name()
            .is_none_or(|name| name != settings.model.as_str())
        {
            bail!(
                "the link's model is {}, but --model is {}: the page plays a recording only for the model that it names",
                settings.model,
                self.model.display()
            );
        }
        let pipeline = Pipeline::load(&ModelFiles::load_from_dir(&folder)?, &device::cpu())
            .with_context(|| format!("the model {} cannot be used", self.model.display()))?;
        let frames = pollster::block_on(self.frames(&pipeline, &settings))?;
        let recording = Recording {
            version: VERSION,
            link: write_link(&settings),
            frames,
        };
        let bytes = encode(&recording)?;
        fs::write(&self.out, &bytes)
            .with_context(|| format!("cannot write {}", self.out.display()))?;
        let seconds = f64::from(recording.frames.last().map_or(0, |frame| frame.at_ms)) / 1000.0;
        eprintln!(
            "{} bytes, {seconds:.1} s of replay, written to {}",
            bytes.len(),
            self.out.display()
        );
        Ok(())
    }

    async fn frames(&self, pipeline: &Pipeline, settings: &Settings) -> anyhow::Result<Vec<Frame>> {
        let length = settings.length.get() as usize;
        let tokens = model::encode(pipeline, &settings.prompt, length)?;
        let plan = Plan {
            shaping: settings.shaping,
            seed: settings.seed,
            length,
        };
        let chains = settings.chains.get() as usize;
        let mut swarm = Swarm::start(&pipeline.model, tokens.clone(), chains, plan).await?;
        let first = swarm
            .logits(0, 0)
            .context("a swarm begins with the prompt's row")?;
        let prefilled = Prefilled {
            prompt: settings.prompt.clone(),
            adapter: None,
            tokens,
            logits: Logits {
                base: first.base.to_vec(),
                tuned: None,
            },
        };
        let mut frames = vec![
            Frame {
                at_ms: 0,
                event: ready(pipeline),
            },
            Frame {
                at_ms: 0,
                event: Event::Prefilled(prefilled),
            },
        ];
        let clock = Instant::now();
        let mut tokens = 0;
        let mut at_ms = BEFORE_FIRST_STEP_MS;
        while !swarm.is_done() {
            let picks = swarm.step().await?;
            tokens += picks.len() as u32;
            let tokens_per_second = (f64::from(tokens) / clock.elapsed().as_secs_f64()) as f32;
            frames.push(Frame {
                at_ms,
                event: Event::Step(Step {
                    run: RECORDED_RUN,
                    picks,
                    tokens_per_second,
                }),
            });
            at_ms += self.pace_ms;
        }
        let seconds = clock.elapsed().as_secs_f32();
        let done = Event::Done(Done {
            run: RECORDED_RUN,
            turn: 0,
            outcome: RunOutcome::Finished,
            tokens,
            seconds,
        });
        frames.push(Frame { at_ms, event: done });
        Ok(frames)
    }
}

fn ready(pipeline: &Pipeline) -> Event {
    let config = pipeline.model.config();
    Event::Ready(Ready {
        device: DeviceReport {
            kind: DeviceKind::Cpu,
            adapter: "recorded with `collapse record`, on a CPU".to_owned(),
            self_test: None,
            speeds: Vec::new(),
        },
        vocabulary: pipeline.tokenizer.bytes().to_vec(),
        bos_token: config.bos_token_id.unwrap_or(NO_TOKEN),
        eos_token: config.eos_token_id.first().copied().unwrap_or(NO_TOKEN),
        context: config.max_position_embeddings as u32,
    })
}
