//! What the pictures of report and experiments share: sizes, colours, and the legend.

use anyhow::Result;
use plotters::coord::Shift;
use plotters::prelude::*;

/// Width of a picture and height of one that shows curves, in CSS pixels.
pub const WIDTH: u32 = 860;
pub const HEIGHT: u32 = 420;
/// Width that is left for the names at the right.
pub const NAMES: u32 = 190;
/// Okabe and Ito's colours for all kinds of sight, darker where they must carry a line, and a few between them.
const COLOURS: [RGBColor; 12] = [
    RGBColor(0xD5, 0x5E, 0x00),
    RGBColor(0x00, 0x72, 0xB2),
    RGBColor(0x00, 0x9E, 0x73),
    RGBColor(0xE6, 0x9F, 0x00),
    RGBColor(0xCC, 0x79, 0xA7),
    RGBColor(0x56, 0xB4, 0xE9),
    RGBColor(0x8C, 0x6D, 0x1F),
    RGBColor(0x6A, 0x3D, 0x9A),
    RGBColor(0xB8, 0xA9, 0x00),
    RGBColor(0x7A, 0x0A, 0x2B),
    RGBColor(0x1B, 0x4D, 0x3E),
    RGBColor(0x00, 0x00, 0x00),
];
/// The colour of all that have none of their own.
pub const REST: RGBColor = RGBColor(0xB0, 0xB0, 0xB0);

/// A part of a picture.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// One of the colours, again from the first when they are used up.
pub fn colour(number: usize) -> RGBColor {
    COLOURS[number % COLOURS.len()]
}

/// The base is black, its adapters are coloured.
pub fn colour_of_model(number: usize) -> RGBColor {
    colour(number + COLOURS.len() - 1)
}

/// Names beside their colours, from the top.
pub fn legend(area: &Area<'_>, names: impl Iterator<Item = (String, RGBColor)>) -> Result<()> {
    for ((name, colour), row) in names.zip(0..) {
        let top = 16 + 20 * row;
        area.draw(&Rectangle::new([(4, top), (16, top + 12)], colour.filled()))?;
        area.draw(&Text::new(name, (24, top - 1), ("sans-serif", 14)))?;
    }
    Ok(())
}
