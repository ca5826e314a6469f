//! Reinforcement learning of an adapter: reward under a KL penalty or budget, after optional supervised fine-tuning.
//!
//! The objective, over completions `y` that the policy `π` (base and adapter) gives to a prompt, with `p` the base:
//!
//! `J = E_y~π [r(y)] - β KL(π || p)`, whose optimum is `p(y) exp(r(y) / β) / Z` (Korbak, Perez, Buckley, arXiv 2205.11275).
//!
//! The KL divergence is that of whole completions. By the chain rule it is the expected sum of the divergences of the single
//! positions, `KL(π || p) = E_y~π [sum over t of k_t]` with `k_t = sum over v of π(v | y_<t) ln(π(v | y_<t) / p(v | y_<t))`,
//! and these are summed over the whole vocabulary, not sampled (Amini, Vieira, Cotterell, arXiv 2504.10637). A position counts
//! until its completion ends, the end-of-text position included. The gradient, with nothing left out:
//!
//! `∇J = E_y~π sum over t of [ ∇ln π(y_t | y_<t) (r(y) - β sum over s > t of k_s - b_t) - β ∇k_t ]`
//!
//! The second term alone would push every position back to the base and ignore that a token also decides how far the later
//! positions stray; the policy would then not settle at `p exp(r / β) / Z`. The baseline `b_t` of a completion is the mean of
//! `r - β sum over s > t of k_s` over the other completions of the same prompt (leave one out: Kool, van Hoof, Welling 2019;
//! Ahmadian et al., arXiv 2402.14740): it does not know the completion, so it changes no expectation. Each step samples anew
//! from the policy itself and takes one step of AdamW, so there are no ratios and no clipping of them.
//!
//! Supervised fine-tuning (SFT) takes target completions in place of sampled ones and maximises their log-likelihood,
//! `E_y~targets [ln π(y)]`: the same gradient with the advantage 1; the first of the three stages of Ouyang et al. (arXiv
//! 2203.02155).
//!
//! `policy_gradient` computes the gradient, `advantages` the baseline, `kl_budget` controls `β`, `rollout` samples. `prompt` has
//! the types of prompts, `prompts` their sources; `requested_endings` says which ending a request has in mind, and
//! `ending_classifier` recognises it. `reward_models` score completions. `recipe` and `run` make a run of it.

pub mod advantages;
pub mod ending_classifier;
pub mod kl_budget;
pub mod policy_gradient;
pub mod prompt;
pub mod prompts;
pub mod recipe;
pub mod requested_endings;
pub mod reward_models;
pub mod rollout;
mod run;

pub use recipe::TuneRecipe;
pub use run::{Sample, TunePaths, TuneReport, tune};
