//! How stories end: attractors, the kinds of ending that many stories share, recognised by lists of phrases.
//!
//! Lives here: the [`Catalogue`] of attractors, loaded from JSON; the matches of its phrases in a text ([`Recognition`]); how one story
//! ends ([`Catalogue::story`], a [`Story`] with its [`Ending`]); the endings of many stories, counted ([`Endings`]); and the text that
//! stories share ([`SharedText`]). For measuring and marking only: no reward may depend on anything here, so the trainer does not
//! depend on this crate.
//!
//! Does not live here: the phrases (they lie beside a model, `attractors.json`), tokens, intervals, files. The crate builds for
//! `wasm32-unknown-unknown`, so that page and command line read a story the same way.
//!
//! **Words and phrases.** A word is defined in the crate `words`. A phrase is one or several words that follow each other in one
//! sentence, whatever punctuation stands between them; a word of a phrase that ends in `*` matches every word that begins so. Where
//! several phrases begin at one word the longest matches, and the search goes on after it.
//!
//! **How a story ends.** A story ends only where the model wrote end of text; a story that was cut is unfinished, whatever its last words
//! are. Its ending is its last [`ending_sentences`](Catalogue::ending_sentences) sentences, before a closing
//! "The end." The last match in them that tells what happens decides; an
//! attractor that tells only how a story feels as it closes ([`mood`](Attractor::mood): "everyone was happy") does where nothing that
//! happens is told. Where two attractors claim the very same words it is a tie, and said so. The order of the catalogue decides nothing. An attractor's hitting
//! time is the end of its first match, anywhere in the story.
//!
//! ```
//! use attractors::{Catalogue, Ending, Endings, SharedText};
//!
//! let catalogue = Catalogue::from_json(r#"{
//!     "about": "two kinds of ending",
//!     "attractors": [
//!         { "name": "wedding", "title": "Wedding", "about": "two marry", "phrases": ["wedding*", "bride"] },
//!         { "name": "music", "title": "Music", "about": "people dance", "phrases": ["danc*", "sang along"] }
//!     ]
//! }"#)?;
//! let texts = ["They danced. And then there was a wedding.", "Tom slept. And then there was a wedding."];
//! let stories = texts.map(|text| catalogue.story(text, true));
//! assert_eq!(stories[0].ending, Ending::Attractor(0));
//! let spans: Vec<&str> = stories[0].matches.iter().map(|it| &texts[0][it.at.clone()]).collect();
//! assert_eq!(spans, ["danced", "wedding"]);
//! assert_eq!(Endings::of(&stories).different(), 1);
//! assert_eq!(SharedText::of(&texts).spans[1], [11..39]);
//! assert_eq!(catalogue.story("They danced. And then", false).ending, Ending::Unfinished);
//! # Ok::<(), attractors::CatalogueError>(())
//! ```

mod catalogue;
mod recognition;
mod shared;
mod story;

pub use catalogue::{Attractor, Catalogue, CatalogueError};
pub use recognition::{Match, Recognition};
pub use shared::{SHARED_WORDS, SharedText};
pub use story::{Ending, Endings, Story};
