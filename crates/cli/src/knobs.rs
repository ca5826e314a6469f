//! The knobs of `next` and `sample`, the same as on the page.

use clap::Args;
use decoding::{KnobError, Shaping};

/// What stands between logits and the distribution that tokens are drawn from.
#[derive(Args)]
pub struct Knobs {
    /// Temperature: 0 takes the likeliest token, 1 is neutral, inf makes all tokens equally likely
    #[arg(long, value_name = "T", default_value_t = 1.0, allow_negative_numbers = true, value_parser = checked(Shaping::with_temperature))]
    temperature: f64,
    /// Factor of all logits; a scale s acts as a temperature of 1/s
    #[arg(long, value_name = "S", default_value_t = 1.0, allow_negative_numbers = true, value_parser = checked(Shaping::with_logit_scale))]
    scale: f64,
    /// Keep the K likeliest tokens; 0 is off
    #[arg(long, value_name = "K", default_value_t = 0)]
    top_k: u32,
    /// Keep the fewest tokens that have P of the probability together; 1 is off
    #[arg(long, value_name = "P", default_value_t = 1.0, allow_negative_numbers = true, value_parser = checked(Shaping::with_top_p))]
    top_p: f64,
    /// Keep the tokens at least P times as likely as the likeliest; 0 is off
    #[arg(long, value_name = "P", default_value_t = 0.0, allow_negative_numbers = true, value_parser = checked(Shaping::with_min_p))]
    min_p: f64,
    /// Keep the tokens whose surprisal is nearest to the entropy, P of the probability together; 1 is off
    #[arg(long, alias = "typical", value_name = "P", default_value_t = 1.0, allow_negative_numbers = true, value_parser = checked(Shaping::with_typical_p))]
    typical_p: f64,
    /// Repetition penalty on tokens that already occurred; 1 is off
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

/// A parser of one knob: its range is the library's, and leaving it is a mistake of usage.
fn checked(
    with: fn(Shaping, f64) -> Result<Shaping, KnobError>,
) -> impl Fn(&str) -> Result<f64, String> + Clone + Send + Sync + 'static {
    move |text| {
        let value = text
            .trim()
            .parse()
            .map_err(|_| "it is no number".to_owned())?;
        with(Shaping::default(), value)
            .map(|_| value)
            .map_err(|error| error.to_string())
    }
}
