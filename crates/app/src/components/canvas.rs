//! A canvas that is drawn anew when its picture changes, its size, or the colours of the page.
//!
//! For what changes with every move of a knob: however much a canvas shows, it is one element, and costs neither style nor
//! layout. It is invisible to screen readers; what it shows is said by the elements around it.

use std::{cell::RefCell, collections::HashMap, f64::consts::TAU, rc::Rc};

use gloo_utils::window;
use wasm_bindgen::{JsCast as _, closure::Closure};
use web_sys::{
    CanvasRenderingContext2d, CssStyleDeclaration, HtmlCanvasElement, ImageBitmap, MediaQueryList,
    OffscreenCanvas, OffscreenCanvasRenderingContext2d, ResizeObserver,
};
use yew::prelude::*;

/// Something that can be drawn.
pub trait Picture: Clone + PartialEq + 'static {
    /// Draws it on an empty sheet.
    fn draw(&self, sheet: &Sheet);
}

/// What a picture is drawn on.
pub struct Sheet {
    /// Lengths in it are CSS pixels; text stands in the canvas element's font.
    pub pen: CanvasRenderingContext2d,
    /// CSS pixels.
    pub width: f64,
    /// CSS pixels.
    pub height: f64,
    /// The page's colours.
    pub inks: Inks,
    /// Texts that were written before, by text and ink: putting a picture of one takes a fraction of writing it again.
    stamps: RefCell<HashMap<(String, String), Stamp>>,
    font: String,
    dots: f64,
}

/// A text's picture. A bitmap, as each drawing of a canvas would first copy it.
struct Stamp {
    bitmap: ImageBitmap,
    /// CSS pixels.
    width: f64,
}

/// Stamps that are kept; a row of logits needs a few dozen at most.
const STAMPS: usize = 256;

/// Colours of the style sheet, under their names there.
pub struct Inks {
    pub ink: String,
    pub soft: String,
    pub ghost: String,
    pub now: String,
    pub on_now: String,
    pub coin: String,
    pub card: String,
}

impl Sheet {
    /// The canvas as it lies on the page now; none while it has no size.
    fn of(canvas: &HtmlCanvasElement) -> Option<Self> {
        let window = window();
        let (width, height) = (canvas.client_width(), canvas.client_height());
        if width == 0 || height == 0 {
            return None;
        }
        let dots = window.device_pixel_ratio();
        canvas.set_width((f64::from(width) * dots).round() as u32);
        canvas.set_height((f64::from(height) * dots).round() as u32);
        let pen: CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
        let style = window.get_computed_style(canvas).ok()??;
        _ = pen.set_transform(dots, 0.0, 0.0, dots, 0.0, 0.0);
        let font = format!(
            "{} {}",
            value(&style, "font-size"),
            value(&style, "font-family")
        );
        pen.set_font(&font);
        Some(Self {
            pen,
            width: width.into(),
            height: height.into(),
            inks: Inks::of(&style),
            stamps: RefCell::default(),
            font,
            dots,
        })
    }

    /// Writes a text at half the sheet's height, from `x` on. A text that is wider than `room` is set narrower, down to the share
    /// `narrowest` of its width; one that does not fit even so is left out. Lengths are CSS pixels.
    pub fn write(&self, text: &str, ink: &str, x: f64, room: f64, narrowest: f64) {
        let mut stamps = self.stamps.borrow_mut();
        let key = (text.to_owned(), ink.to_owned());
        if !stamps.contains_key(&key) {
            // A text that cannot be written is left out.
            let Some(stamp) = self.stamp(text, ink) else {
                return;
            };
            if stamps.len() >= STAMPS {
                stamps.clear();
            }
            stamps.insert(key.clone(), stamp);
        }
        let Stamp { bitmap, width } = &stamps[&key];
        let set = width.min(room);
        // On whole dots, or it would be blurred.
        let x = (x * self.dots).round() / self.dots;
        if set >= width * narrowest {
            _ = self.pen.draw_image_with_image_bitmap_and_dw_and_dh(
                bitmap,
                x,
                0.0,
                set,
                self.height,
            );
        }
    }

    /// Fills a disc. Lengths are CSS pixels.
    pub fn disc(&self, ink: &str, x: f64, y: f64, radius: f64) {
        self.pen.set_fill_style_str(ink);
        self.pen.begin_path();
        _ = self.pen.arc(x, y, radius, 0.0, TAU);
        self.pen.fill();
    }

    fn stamp(&self, text: &str, ink: &str) -> Option<Stamp> {
        let width = self.pen.measure_text(text).ok()?.width();
        let width = (width * self.dots).ceil() / self.dots;
        let dots = |length: f64| (length * self.dots).round().max(1.0) as u32;
        let canvas = OffscreenCanvas::new(dots(width), dots(self.height)).ok()?;
        let pen = canvas.get_context("2d").ok()??;
        let pen: OffscreenCanvasRenderingContext2d = pen.dyn_into().ok()?;
        _ = pen.set_transform(self.dots, 0.0, 0.0, self.dots, 0.0, 0.0);
        pen.set_font(&self.font);
        pen.set_text_baseline("middle");
        pen.set_fill_style_str(ink);
        pen.fill_text(text, 0.0, self.height / 2.0).ok()?;
        let bitmap = canvas.transfer_to_image_bitmap().ok()?;
        Some(Stamp { bitmap, width })
    }

    fn show(&self, picture: &impl Picture) {
        self.pen.clear_rect(0.0, 0.0, self.width, self.height);
        picture.draw(self);
    }
}

impl Inks {
    fn of(style: &CssStyleDeclaration) -> Self {
        let ink = |name: &str| value(style, name);
        Self {
            ink: ink("--ink"),
            soft: ink("--soft"),
            ghost: ink("--ghost"),
            now: ink("--now"),
            on_now: ink("--on-now"),
            coin: ink("--coin"),
            card: ink("--card"),
        }
    }
}

fn value(style: &CssStyleDeclaration, name: &str) -> String {
    let value = style.get_property_value(name).unwrap_or_default();
    value.trim().to_owned()
}

#[derive(Clone, PartialEq, Properties)]
pub struct CanvasProps<P: Picture> {
    pub picture: P,
}

/// A picture, as large as the style sheet makes it.
#[component]
pub fn Canvas<P: Picture>(props: &CanvasProps<P>) -> Html {
    let canvas = use_node_ref();
    let sheet = use_mut_ref(|| None::<Sheet>);
    let picture = use_mut_ref(|| props.picture.clone());
    {
        let (sheet, picture) = (sheet.clone(), picture.clone());
        use_effect_with(props.picture.clone(), move |now| {
            picture.replace(now.clone());
            if let Some(sheet) = &*sheet.borrow() {
                sheet.show(now);
            }
        });
    }
    {
        let canvas = canvas.clone();
        use_effect_with((), move |()| {
            let canvas: HtmlCanvasElement = canvas.cast().expect("the canvas was just drawn");
            let guard = ResizeGuard::new(&canvas, sheet, picture);
            move || drop(guard)
        });
    }
    html! { <canvas ref={canvas} aria-hidden="true" /> }
}

/// Draws anew when the canvas changes its size or the page its colours, until dropped.
struct ResizeGuard {
    size: ResizeObserver,
    colours: Option<MediaQueryList>,
    draw: Closure<dyn Fn()>,
}

impl ResizeGuard {
    fn new<P: Picture>(
        canvas: &HtmlCanvasElement,
        sheet: Rc<RefCell<Option<Sheet>>>,
        picture: Rc<RefCell<P>>,
    ) -> Self {
        let draw = {
            let canvas = canvas.clone();
            Closure::<dyn Fn()>::new(move || {
                let new = Sheet::of(&canvas);
                if let Some(sheet) = &new {
                    sheet.show(&*picture.borrow());
                }
                sheet.replace(new);
            })
        };
        let call = draw.as_ref().unchecked_ref();
        let size = ResizeObserver::new(call).expect("a function was given");
        // Calls at once, too.
        size.observe(canvas);
        let colours = window()
            .match_media("(prefers-color-scheme: dark)")
            .ok()
            .flatten();
        if let Some(colours) = &colours {
            _ = colours.add_event_listener_with_callback("change", call);
        }
        Self {
            size,
            colours,
            draw,
        }
    }
}

impl Drop for ResizeGuard {
    fn drop(&mut self) {
        self.size.disconnect();
        if let Some(colours) = &self.colours {
            let call = self.draw.as_ref().unchecked_ref();
            _ = colours.remove_event_listener_with_callback("change", call);
        }
    }
}
