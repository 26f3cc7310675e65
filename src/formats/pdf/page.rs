//! Lines and words of a page, by where its glyphs stand.
//!
//! A PDF places glyphs; spaces and line ends are gaps between them. Glyphs are taken in the order of the page, which
//! programs that write text keep in reading order, columns too.

use hayro_interpret::font::{Glyph, GlyphRun, PositionedGlyph};
use hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro_interpret::hayro_syntax::object::Dict;
use hayro_interpret::kurbo::{Affine, BezPath, Point, Vec2};
use hayro_interpret::{BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, SoftMask};

/// Units of a glyph's own space to the em.
const EM: f64 = 1000.0;

/// A gap from this on, in ems, is a space. A space is some 0.25 wide, justified text goes down to 0.2; kerning stays below 0.1.
const SPACE_EMS: f64 = 0.15;

/// A glyph so far off the line, in ems, is on another. What is raised or lowered, such as a note's number, stays below.
const LINE_EMS: f64 = 0.6;

/// Lines so far apart, in ems of the second, are of two paragraphs. Lines of one are 1.2 to 1.5 apart.
const PARAGRAPH_EMS: f64 = 1.9;

/// The text of a page, while it is drawn.
#[derive(Debug, Default)]
pub(super) struct Text {
    words: String,
    last: Option<Place>,
    /// Where the last run began, and how many glyphs it had.
    run: Option<(Point, u32, usize)>,
    /// Depth of marked content, and the depth at which what is no text of the document began: running heads, page numbers.
    depth: usize,
    artifact: Option<usize>,
    /// Glyphs that are letters, those included of which nothing says which.
    pub letters: usize,
    pub unknown: usize,
}

/// Where a glyph stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    end: Point,
    along: Vec2,
    size: f64,
}

impl Text {
    /// The text of the page, with a line end behind it; empty where there is none.
    pub fn finish(mut self) -> String {
        let end = self.words.trim_end().len();
        self.words.truncate(end);
        if !self.words.is_empty() {
            self.words.push('\n');
        }
        self.words
    }

    fn glyph(&mut self, glyph: &PositionedGlyph<'_>, page: Affine, vertical: bool) {
        let to_page = page * glyph.transform();
        let begin = to_page * Point::ZERO;
        let (right, up) = (to_page * Point::new(EM, 0.0) - begin, to_page * Point::new(0.0, EM) - begin);
        let size = up.hypot();
        if !begin.is_finite() || !right.is_finite() || !size.is_finite() || size == 0.0 || right.hypot() == 0.0 {
            return;
        }
        let along = if vertical { -up / size } else { right / right.hypot() };
        let width = if vertical { size } else { f64::from(width(glyph)) / EM * right.hypot() };
        let letters = letters(glyph);
        if letters.trim().is_empty() && !letters.is_empty() {
            // A space: what comes behind it stands a space away, whatever its width.
            return;
        }
        self.letters += 1;
        self.unknown += usize::from(letters.contains(char::REPLACEMENT_CHARACTER));
        if let Some(last) = self.last {
            self.gap(last, begin, along, size);
        }
        self.words.push_str(&letters);
        self.last = Some(Place { end: begin + along * width, along, size });
    }

    /// What stands between the last glyph and one that begins there.
    fn gap(&mut self, last: Place, begin: Point, along: Vec2, size: f64) {
        let (way, em) = (begin - last.end, last.size.max(size));
        let (forward, across) = (way.dot(last.along), way.cross(last.along).abs());
        let turned = last.along.dot(along) < 0.9;
        if turned || across > LINE_EMS * em || forward < -2.0 * em {
            self.words.truncate(self.words.trim_end().len());
            self.words.push_str(if !turned && across > PARAGRAPH_EMS * size { "\n\n" } else { "\n" });
        } else if forward > SPACE_EMS * size && !self.words.ends_with(char::is_whitespace) {
            self.words.push(' ');
        }
    }
}

fn width(glyph: &Glyph<'_>) -> f32 {
    let width = match glyph {
        Glyph::Outline(outline) => outline.advance_width(),
        Glyph::Type3(drawn) => drawn.advance_width(),
    };
    // Half an em where the font does not say it.
    width.filter(|width| width.is_finite()).unwrap_or(500.0)
}

/// The letters of a glyph: ligatures in pieces, as they are searched for, and nothing that steers a terminal.
fn letters(glyph: &Glyph<'_>) -> String {
    let text = match glyph.as_unicode() {
        Some(BfString::Char(letter)) => letter.to_string(),
        Some(BfString::String(text)) => text,
        None => char::REPLACEMENT_CHARACTER.to_string(),
    };
    let mut letters = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            'ﬀ' => letters.push_str("ff"),
            'ﬁ' => letters.push_str("fi"),
            'ﬂ' => letters.push_str("fl"),
            'ﬃ' => letters.push_str("ffi"),
            'ﬄ' => letters.push_str("ffl"),
            'ﬅ' | 'ﬆ' => letters.push_str("st"),
            '\u{a0}' => letters.push(' '),
            '\u{ad}' => letters.push('-'),
            _ if letter.is_control() => letters.push(' '),
            _ => letters.push(letter),
        }
    }
    letters
}

impl Device<'_> for Text {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, '_>, props: DrawProps<'_>, _: &DrawMode) {
        if self.artifact.is_some() {
            return;
        }
        let Some(first) = run.glyphs().first() else { return };
        // Outlined letters are drawn twice, and so are those that are to look bold.
        let place = (props.transform * first.transform() * Point::ZERO, first.char_code(), run.glyphs().len());
        let size = self.last.map_or(0.0, |last| last.size);
        let again = self.run.is_some_and(|before| {
            (before.1, before.2) == (place.1, place.2) && before.0.distance(place.0) < SPACE_EMS * size
        });
        self.run = Some(place);
        if again {
            return;
        }
        for glyph in run.glyphs() {
            self.glyph(glyph, props.transform, run.writing_mode() == WritingMode::Vertical);
        }
    }

    fn begin_marked_content(&mut self, tag: &[u8], _: Option<&Dict<'_>>) {
        self.depth += 1;
        if tag == b"Artifact" && self.artifact.is_none() {
            self.artifact = Some(self.depth);
        }
    }

    fn end_marked_content(&mut self) {
        if self.artifact == Some(self.depth) {
            self.artifact = None;
        }
        self.depth = self.depth.saturating_sub(1);
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'_>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'_>>, _: BlendMode) {}
    fn draw_image(&mut self, _: Image<'_, '_>, _: ImageDrawProps<'_>) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}
