//! Text to token ids and back, through the model's own `tokenizer.json`.

use crate::tokenizer_file::TokenizerFile;
use crate::{LlamaConfig, LoadError};

/// Text to token ids and back, and the bytes of every token.
#[derive(Clone)]
pub struct Tokenizer {
    bpe: tokenizers::Tokenizer,
    bytes: Vec<Vec<u8>>,
    beginning: u32,
}

impl Tokenizer {
    /// Reads `tokenizer.json` for a model of this config. Of the file only what turns text into tokens counts: texts are neither
    /// cut nor padded, the beginning-of-text token is put before them here, and merges are never left out by chance.
    ///
    /// # Errors
    /// When the file is no tokenizer, is not of the kinds that Llama-type models have, or has tokens beyond the model's
    /// vocabulary.
    pub fn parse(json: &[u8], config: &LlamaConfig) -> Result<Self, LoadError> {
        let said = |problem: String| LoadError::Tokenizer { problem };
        let file = TokenizerFile::parse(json)?;
        let bpe = tokenizers::Tokenizer::from_bytes(&file.json)
            .map_err(|error| said(error.to_string()))?;
        let highest = bpe.get_vocab(true).into_values().max().unwrap_or(0) as usize;
        if highest >= config.vocab_size {
            return Err(said(format!(
                "it has a token of id {highest}, but config.json's `vocab_size` is {}; they do not belong together",
                config.vocab_size
            )));
        }
        let special = bpe.get_added_tokens_decoder();
        check_greed(&bpe)?;
        let bytes = (0..config.vocab_size as u32)
            .map(|id| match (special.get(&id), bpe.id_to_token(id)) {
                (Some(added), _) => added.content.clone().into_bytes(),
                (None, Some(token)) if file.byte_level => byte_level_bytes(&token),
                (None, Some(token)) => sentence_piece_bytes(&token),
                (None, None) => Vec::new(),
            })
            .collect();
        Ok(Self {
            bpe,
            bytes,
            beginning: config.bos_token_id,
        })
    }

    /// A text as the model reads it: the beginning-of-text token, then the text's own.
    ///
    /// # Errors
    /// When the tokenizer refuses the text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, LoadError> {
        let encoding = self
            .bpe
            .encode_fast(text, false)
            .map_err(|error| LoadError::Tokenizer {
                problem: error.to_string(),
            })?;
        Ok([self.beginning]
            .into_iter()
            .chain(encoding.get_ids().iter().copied())
            .collect())
    }

    /// The bytes of every token, by id.
    pub fn bytes(&self) -> &[Vec<u8>] {
        &self.bytes
    }

    /// The text of some tokens; bytes that are no UTF-8 become U+FFFD. Unknown ids are left out.
    pub fn decode(&self, tokens: &[u32]) -> String {
        let bytes: Vec<u8> = tokens
            .iter()
            .filter_map(|&id| self.bytes.get(id as usize))
            .flatten()
            .copied()
            .collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// An added token that is white space itself must not take the white space beside it: where another one has taken it before,
/// `tokenizers` 0.23 panics.
fn check_greed(tokenizer: &tokenizers::Tokenizer) -> Result<(), LoadError> {
    for (id, token) in tokenizer.get_added_tokens_decoder() {
        // As it is looked for in a text, which is normalized or not.
        let sought = tokenizer.id_to_token(id).unwrap_or_default();
        if (token.lstrip || token.rstrip) && sought.trim().is_empty() {
            return Err(LoadError::OtherTokenizer {
                part: "added_tokens",
                found: format!("white space, {:?}, with lstrip or rstrip", token.content),
                expected: "neither for a token of white space".to_owned(),
            });
        }
    }
    Ok(())
}

/// GPT-2's printable alphabet back to bytes: printable Latin-1 stands for itself, the other bytes count up from U+0100.
fn byte_level_bytes(token: &str) -> Vec<u8> {
    let itself = |byte: u32| matches!(byte, 0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF);
    let shifted: Vec<u32> = (0..256).filter(|&byte| !itself(byte)).collect();
    let mut bytes = Vec::new();
    for letter in token.chars() {
        let code = letter as u32;
        match code
            .checked_sub(0x100)
            .and_then(|index| shifted.get(index as usize))
        {
            Some(&byte) => bytes.push(byte as u8),
            None if itself(code) => bytes.push(code as u8),
            None => bytes.extend(letter.to_string().bytes()),
        }
    }
    bytes
}

/// SentencePiece's pieces: U+2581 is a space, `<0x0A>` a byte.
fn sentence_piece_bytes(token: &str) -> Vec<u8> {
    let byte = token
        .strip_prefix("<0x")
        .and_then(|rest| rest.strip_suffix('>'))
        .and_then(|digits| u8::from_str_radix(digits, 16).ok());
    match byte {
        Some(byte) => vec![byte],
        None => token.replace('\u{2581}', " ").into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_level_tokens_stand_for_their_bytes() {
        assert_eq!(byte_level_bytes("Ġhello"), b" hello");
        assert_eq!(byte_level_bytes("Ċ"), b"\n");
        assert_eq!(byte_level_bytes("Ã©"), "é".as_bytes());
    }

    #[test]
    fn sentence_pieces_stand_for_their_bytes() {
        assert_eq!(sentence_piece_bytes("\u{2581}the"), b" the");
        assert_eq!(sentence_piece_bytes("<0x0A>"), b"\n");
        assert_eq!(sentence_piece_bytes("<unk>"), b"<unk>");
    }
}
