//! The byte-level BPE tokenizer (Sennrich et al. 2016, arXiv 1508.07909; bytes after GPT-2), trained by `tokenizers`.

use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, Tokenizer, TokenizerImpl};

use crate::error::TrainingError;

/// Separates documents in files; begins and ends every sequence.
pub const END_OF_TEXT: &str = "<|endoftext|>";
/// Its id.
pub const END_OF_TEXT_ID: u32 = 0;

/// Trains a tokenizer on documents.
///
/// Its template puts [`END_OF_TEXT`] before a text, for every reader of the model's folder. Training encodes without the template.
///
/// # Errors
/// When `tokenizers` refuses.
pub fn train(documents: &[&str], vocabulary: usize) -> Result<Tokenizer, TrainingError> {
    let said = |error: tokenizers::Error| TrainingError::Tokenizer(error.to_string());
    let mut trainer = BpeTrainer::builder()
        .vocab_size(vocabulary)
        .min_frequency(2)
        .show_progress(false)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .special_tokens(vec![AddedToken::from(END_OF_TEXT, true)])
        .build();
    let bytes = ByteLevel::default().add_prefix_space(false);
    let mut tokenizer: TokenizerImpl<
        BPE,
        tokenizers::NormalizerWrapper,
        ByteLevel,
        TemplateProcessing,
        ByteLevel,
    > = TokenizerImpl::new(BPE::default());
    let template = TemplateProcessing::builder()
        .try_single(format!("{END_OF_TEXT} $A"))
        .map_err(TrainingError::Tokenizer)?
        .special_tokens(vec![(END_OF_TEXT, END_OF_TEXT_ID)])
        .build()
        .map_err(|error| TrainingError::Tokenizer(error.to_string()))?;
    tokenizer
        .with_post_processor(Some(template))
        .with_pre_tokenizer(Some(bytes))
        .with_decoder(Some(bytes));
    tokenizer
        .train(&mut trainer, documents.iter().copied())
        .map_err(said)?;
    // Through JSON, as every reader will load it.
    let json = tokenizer.to_string(false).map_err(said)?;
    Tokenizer::from_bytes(json.as_bytes()).map_err(said)
}
