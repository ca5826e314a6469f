//! Which attractor a text has reached: the kinds of ending that chains fall into, told by lists of words.
//!
//! Lives here: the [`Catalogue`], read from JSON, and what it finds in a text ([`Catalogue::recognise`], a [`Recognition`]): all marks, the
//! first hit of each attractor, and the one that the text ends in. For measuring and for marking only: no reward may depend on
//! anything here, so the trainer does not name this crate.
//!
//! Does not live here: the lists themselves (they lie beside a model, `attractors.json`), tokens, chains, statistics, files. The
//! crate builds for `wasm32-unknown-unknown`, so that page and command line mark a text the same way.
//!
//! **Words and phrases.** What a word is, is said in the crate `words`. A phrase is one word or several that follow each other in one sentence, whatever else stands between them; a
//! word of a phrase that ends in `*` is matched by every word that begins so. Where several phrases begin at one word the one of
//! most words counts, among equals the one of the earlier attractor, and the next phrase is looked for behind it.
//!
//! **Which attractor a text ends in.** Of the attractors that are marked among the text's last words, the one that stands first
//! in the catalogue. Taking the last mark would not do: a wedding is followed by dancing, and a party next door by a closed window.
//! So the catalogue's order says what outweighs what, and its number of [`ending_words`](Catalogue::ending_words) how far back a
//! mark still counts: earlier turns of a story are no ending. Of a text that is still growing it is where the text stands now. An
//! attractor's hitting time is where its first mark ends, at whatever place.
//!
//! ```
//! use attractors::Catalogue;
//!
//! let catalogue = Catalogue::from_json(r#"{
//!     "about": "two kinds of ending",
//!     "ending_words": 50,
//!     "attractors": [
//!         { "name": "wedding", "title": "Wedding", "about": "two marry", "phrases": ["wedding*", "bride"] },
//!         { "name": "music", "title": "Music", "about": "people dance", "phrases": ["danc*", "sang along"] }
//!     ]
//! }"#)?;
//! let text = "There was a wedding. They danced all night.";
//! let found = catalogue.recognise(text);
//! assert_eq!(found.ends_in, catalogue.position("wedding"));
//! let marked: Vec<&str> = found.matches.iter().map(|it| &text[it.at.clone()]).collect();
//! assert_eq!(marked, ["wedding", "danced"]);
//! # Ok::<(), attractors::CatalogueError>(())
//! ```

mod catalogue;
mod recognition;

pub use catalogue::{Attractor, Catalogue, CatalogueError};
pub use recognition::{Match, Recognition};
