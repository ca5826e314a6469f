//! Text to token ids and back, through the model's own `tokenizer.json`.

use crate::file_kind::{is_off, json_object};
use crate::tokenizer_file::TokenizerFile;
use crate::{LlamaConfig, LoadError};

/// Text to token ids and back, and the bytes of every token.
#[derive(Clone)]
pub struct Tokenizer {
    bpe: tokenizers::Tokenizer,
    bytes: Vec<Vec<u8>>,
    /// Ids that stand before every text.
    before_text: Vec<u32>,
}

impl Tokenizer {
    /// Reads `tokenizer.json` for a model of this config. Of the file only what turns text into tokens counts: texts are neither
    /// cut nor padded, and merges are never left out by chance.
    ///
    /// # Errors
    /// When the file is no tokenizer, is not of the kinds that Llama-type models have, or has tokens beyond the model's
    /// vocabulary.
    pub fn parse(json: &[u8], config: &LlamaConfig) -> Result<Self, LoadError> {
        let said = |problem: String| LoadError::Tokenizer { problem };
        let file = TokenizerFile::parse(json, config.vocab_size)?;
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
                // The embedding may have more rows than the tokenizer has tokens.
                (None, None) => nameless(id).into_bytes(),
            })
            .collect();
        Ok(Self {
            bpe,
            bytes,
            before_text: file.before_text,
        })
    }

    /// What `tokenizer_config.json` says of the special tokens before a text: as in `transformers`, `add_bos_token` and
    /// `add_eos_token` count before the template of `tokenizer.json`.
    ///
    /// # Errors
    /// When it is no JSON, names a token that the tokenizer does not have, or asks for special tokens after the text or for their names
    /// to be read as text.
    pub fn configure(&mut self, json: &[u8]) -> Result<(), LoadError> {
        const FILE: &str = "tokenizer_config.json";
        let fields = json_object(json).map_err(|problem| LoadError::Json {
            file: FILE,
            problem,
        })?;
        let is_on = |field: &str| fields.get(field).is_some_and(|value| !is_off(value));
        for field in ["add_eos_token", "split_special_tokens"] {
            if is_on(field) {
                return Err(LoadError::Config {
                    file: FILE,
                    field: field.to_owned(),
                    found: "true".to_owned(),
                    expected:
                        "false: a prompt is continued, and special tokens in it are read as such"
                            .to_owned(),
                });
            }
        }
        if !fields.contains_key("add_bos_token") && !fields.contains_key("add_eos_token") {
            return Ok(());
        }
        self.before_text.clear();
        let Some(bos) = fields
            .get("bos_token")
            .filter(|bos| is_on("add_bos_token") && !is_off(bos))
        else {
            return Ok(());
        };
        let content = bos.as_str().or(bos["content"].as_str()).unwrap_or_default();
        let id = self
            .bpe
            .token_to_id(content)
            .ok_or_else(|| LoadError::Config {
                file: FILE,
                field: "bos_token".to_owned(),
                found: bos.to_string(),
                expected: "a token of tokenizer.json".to_owned(),
            })?;
        self.before_text.push(id);
        Ok(())
    }

    /// A prompt as the model reads it: what the template puts before a text, then the text's own ids. Special tokens that are
    /// written out in the text are read as such.
    ///
    /// # Errors
    /// When the tokenizer refuses the text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, LoadError> {
        let mut ids = self.before_text.clone();
        ids.extend(self.encode_continuation(text)?);
        Ok(ids)
    }

    /// A text that goes on from another: its own ids alone.
    ///
    /// # Errors
    /// When the tokenizer refuses the text.
    pub fn encode_continuation(&self, text: &str) -> Result<Vec<u32>, LoadError> {
        let encoding = self.bpe.encode_fast(text, false);
        let encoding = encoding.map_err(|error| LoadError::Tokenizer {
            problem: error.to_string(),
        })?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The bytes of every token, by id.
    pub fn bytes(&self) -> &[Vec<u8>] {
        &self.bytes
    }

    /// The text of some tokens; bytes that are no UTF-8 become U+FFFD, ids without a token their number: `⟨262⟩`. Ids
    /// that are not the model's are left out.
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

/// An id for which there is no token.
fn nameless(id: u32) -> String {
    format!("\u{27E8}{id}\u{27E9}")
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
