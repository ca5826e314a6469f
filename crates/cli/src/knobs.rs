//! The knobs of `next` and `sample`, the same as on the page.

use clap::Args;
use decoding::{KnobError, Shaping};

/// Parameters of shaping: from logits to the distribution that tokens are sampled from.
#[derive(Args)]
pub struct Knobs {
    /// Temperature: 0 takes the most probable token, 1 changes nothing, inf makes all tokens equally probable
    #[arg(long, value_name = "T", default_value_t = 1.0, allow_negative_numbers = true, value_parser = checked(Shaping::with_temperature))]
    temperature: f64,
    /// Multiplies all logits; a scale of s equals a temperature of 1/s
    #[arg(long, value_name = "S", default_value_t = 1.0, allow_negative_numbers = true, value_parser = checked(Shaping::with_logit_scale))]
    scale: f64,
    /// Keep the K most probable tokens, ties included; 0 = off
    #[arg(long, value_name = "K", default_value_t = 0)]
    top_k: u32,
    /// Nucleus sampling: keep the fewest tokens whose total probability reaches P; 1 = off
    #[arg(long, value_name = "P", default_value_t = 1.0, allow_negative_numbers = true, value_parser = checked(Shaping::with_top_p))]
    top_p: f64,
    /// Keep the tokens at least P times as probable as the most probable; 0 = off
    #[arg(long, value_name = "P", default_value_t = 0.0, allow_negative_numbers = true, value_parser = checked(Shaping::with_min_p))]
    min_p: f64,
    /// Locally typical sampling: keep tokens whose surprisal is closest to the entropy, up to total probability P; 1 = off
    #[arg(long, alias = "typical", value_name = "P", default_value_t = 1.0, allow_negative_numbers = true, value_parser = checked(Shaping::with_typical_p))]
    typical_p: f64,
    /// Repetition penalty on tokens that occurred before; 1 = off. As in `transformers`, special tokens of the prompt count: where
    /// the token that begins a text also ends it, fewer texts end
    #[arg(long, value_name = "R", default_value_t = 1.0, allow_negative_numbers = true, value_parser = checked(Shaping::with_repetition_penalty))]
    rep: f64,
}

impl Knobs {
    /// The knobs as one value.
    pub fn shaping(&self) -> Shaping {
        let set = || {
            Shaping::default()
                .with_temperature(self.temperature)?
                .with_logit_scale(self.scale)?
                .with_top_k(self.top_k)
                .with_top_p(self.top_p)?
                .with_min_p(self.min_p)?
                .with_typical_p(self.typical_p)?
                .with_repetition_penalty(self.rep)
        };
        set().expect("every knob was checked when it was parsed")
    }
}

/// A parser of one knob; a value outside the library's range is a usage error.
fn checked(
    with: fn(Shaping, f64) -> Result<Shaping, KnobError>,
) -> impl Fn(&str) -> Result<f64, String> + Clone + Send + Sync + 'static {
    move |text| {
        let value = text.trim().parse().map_err(|_| "not a number".to_owned())?;
        with(Shaping::default(), value)
            .map(|_| value)
            .map_err(|error| error.to_string())
    }
}
