//! The model's tokens as text: for reading (a chain's words) and for inspecting (whitespace made visible).
//!
//! Byte-level BPE may split a character over several tokens, so text is made of bytes in spec, never token by token.

use std::{fmt::Write as _, rc::Rc, str};

use protocol::{DeviceReport, Ready, TokenBytes};

/// What `Event::Ready` says about the model's tokens.
#[derive(Debug, PartialEq)]
pub struct Detokenizer {
    tokens: Vec<TokenBytes>,
    /// The text of every token that is a whole number of characters, made once.
    texts: Vec<Option<Rc<str>>>,
    beginning_of_text: u32,
    end_of_text: u32,
    /// Prompt and continuation together have at most so many tokens.
    pub context: u32,
}

impl Detokenizer {
    /// The tokens by id, and the two that stand for no text.
    pub fn new(
        tokens: Vec<TokenBytes>,
        beginning_of_text: u32,
        end_of_text: u32,
        context: u32,
    ) -> Self {
        let texts = tokens
            .iter()
            .map(|bytes| str::from_utf8(bytes).ok().map(Rc::from))
            .collect();
        Self {
            tokens,
            texts,
            beginning_of_text,
            end_of_text,
            context,
        }
    }

    /// What an engine says of its device, and of the model's tokens.
    pub fn of(ready: Ready) -> (DeviceReport, Self) {
        let Ready {
            device,
            vocabulary,
            bos_token,
            eos_token,
            context,
        } = ready;
        (device, Self::new(vocabulary, bos_token, eos_token, context))
    }

    /// Whether a token is the one that ends a text.
    pub fn is_end(&self, token: u32) -> bool {
        token == self.end_of_text
    }

    fn is_mark(&self, token: u32) -> bool {
        token == self.beginning_of_text || token == self.end_of_text
    }

    /// A token for the eye: spaces as `·`, line ends as `⏎`, lone bytes in hexadecimal.
    pub fn visible(&self, token: u32) -> String {
        if token == self.end_of_text {
            return "⟨end⟩".to_owned();
        }
        if token == self.beginning_of_text {
            return "⟨begin⟩".to_owned();
        }
        let Some(bytes) = self.tokens.get(token as usize) else {
            return format!("⟨{token}⟩");
        };
        let mut shown = String::new();
        for chunk in bytes.utf8_chunks() {
            for letter in chunk.valid().chars() {
                match letter {
                    ' ' => shown.push('·'),
                    '\n' => shown.push('⏎'),
                    '\t' => shown.push('⇥'),
                    letter if letter.is_control() => write!(shown, "⟨{:X}⟩", u32::from(letter))
                        .expect("a String takes every text"),
                    letter => shown.push(letter),
                }
            }
            for byte in chunk.invalid() {
                write!(shown, "⟨{byte:02X}⟩").expect("a String takes every text");
            }
        }
        shown
    }
}

/// The last bytes of a text, when they are the beginning of a character that is not complete yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unfinished(Vec<u8>);

impl Unfinished {
    /// The text that a token adds; empty for a mark, and while a character is still incomplete.
    pub fn push(&mut self, token: u32, detokenizer: &Detokenizer) -> Rc<str> {
        if detokenizer.is_mark(token) {
            return Rc::from("");
        }
        let index = token as usize;
        if self.0.is_empty()
            && let Some(Some(text)) = detokenizer.texts.get(index)
        {
            return Rc::clone(text);
        }
        self.0
            .extend_from_slice(detokenizer.tokens.get(index).map_or(&[], Vec::as_slice));
        let mut text = String::new();
        loop {
            match str::from_utf8(&self.0) {
                Ok(rest) => {
                    text.push_str(rest);
                    self.0.clear();
                    break;
                }
                Err(error) => {
                    let good = error.valid_up_to();
                    text.push_str(&String::from_utf8_lossy(&self.0[..good]));
                    let bad = error.error_len();
                    self.0.drain(..good + bad.unwrap_or(0));
                    if bad.is_none() {
                        break;
                    }
                    text.push(char::REPLACEMENT_CHARACTER);
                }
            }
        }
        text.into()
    }

    /// What is left when no token follows: nothing, or one replacement character.
    pub fn finish(&mut self) -> &'static str {
        if std::mem::take(&mut self.0).is_empty() {
            ""
        } else {
            "\u{FFFD}"
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes_language() -> Detokenizer {
        let mut tokens: Vec<TokenBytes> = (0..=255).map(|byte| vec![byte]).collect();
        tokens.extend([
            b" once".to_vec(),
            "é\n".as_bytes().to_vec(),
            vec![0xE2, 0x80],
            vec![0x99, b's'],
        ]);
        Detokenizer::new(tokens, 1000, 1001, 64)
    }

    proptest! {
        #[test]
        fn pieces_together_are_the_text_of_all_bytes(ids in prop::collection::vec(0_u32..260, 0..40)) {
            let detokenizer = bytes_language();
            let mut unfinished = Unfinished::default();
            let mut text: String = ids.iter().map(|id| unfinished.push(*id, &detokenizer).to_string()).collect();
            text.push_str(unfinished.finish());
            let bytes: Vec<u8> = ids.iter().flat_map(|id| detokenizer.tokens[*id as usize].clone()).collect();
            prop_assert_eq!(text, String::from_utf8_lossy(&bytes).into_owned());
        }
    }

    #[test]
    fn whitespace_marks_and_lone_bytes_are_visible() {
        let detokenizer = bytes_language();
        let shown: Vec<String> = [256, 257, 258, 9, 0, 1001, 5000]
            .into_iter()
            .map(|id| detokenizer.visible(id))
            .collect();
        assert_eq!(
            shown,
            ["·once", "é⏎", "⟨E2⟩⟨80⟩", "⇥", "⟨0⟩", "⟨end⟩", "⟨5000⟩"]
        );
    }

    #[test]
    fn marks_are_shown_to_nobody() {
        assert_eq!(&*Unfinished::default().push(1001, &bytes_language()), "");
    }
}
