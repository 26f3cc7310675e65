//! PDFs well made, printed by another program, and damaged.

use serde_json::json;

use super::*;

const MILL: &[u8] = include_bytes!("../../../fixtures/pdf/mill.pdf");
const PRINTED: &[u8] = include_bytes!("../../../fixtures/pdf/printed.pdf");
const ENCRYPTED: &[u8] = include_bytes!("../../../fixtures/pdf/encrypted.pdf");

const FIRST: &str = "1 Water mills\n\nA water mill turns the fall of a stream into work.\n\
                     A water wheel of 5 metres yields about 4 kW1 at the shaft.\n\nStones are dressed twice a year.\n";

fn headings_of(page: &Page) -> Vec<(usize, u8, &str)> {
    page.marks.iter().map(|mark| (mark.at, mark.level, mark.text.as_str())).collect()
}

#[test]
fn pages_are_read_as_they_stand_in_print() {
    let pdf = read(MILL).unwrap();
    let wanted = [
        (1, FIRST),
        (
            2,
            "The sluice is opened before sunrise.\n\n2 Stones\n\nFrench burr is the best of them; Mühle is the German word.\n",
        ),
    ];
    assert_eq!(pdf.pages.iter().map(|page| (page.number, page.text.as_str())).collect::<Vec<_>>(), wanted);
    assert_eq!(pdf.parsed["title"], "The miller's manual");
    assert_eq!(pdf.parsed["author"], "M. Müller");
    assert_eq!((&pdf.parsed["pages"], &pdf.parsed["pages_without_text"]), (&json!(3), &json!(1)));
    assert!(!pdf.pages[0].text.contains("manual"), "running heads are no text");
}

#[test]
fn a_page_stands_under_the_heading_that_goes_on_and_those_that_begin() {
    let pdf = read(MILL).unwrap();
    assert_eq!(headings_of(&pdf.pages[0]), [(0, 1, "Water mills")]);
    // The first heading goes on, by a destination or by an action; the second begins where its line is.
    let stones = pdf.pages[1].text.find("2 Stones").unwrap();
    assert_eq!(headings_of(&pdf.pages[1]), [(0, 1, "Water mills"), (stones, 1, "Stones")]);
    assert_eq!(pdf.parsed["headings"][2], json!({ "level": 2, "text": "Pictures" }));
}

#[test]
fn what_another_program_printed_reads_the_same() {
    // Embedded subsets of fonts, packed streams, another order of objects; ghostscript leaves no artifacts.
    let (own, printed) = (read(MILL).unwrap(), read(PRINTED).unwrap());
    assert_eq!(printed.pages.len(), own.pages.len());
    for (own, printed) in own.pages.iter().zip(&printed.pages) {
        assert!(printed.text.contains(own.text.trim_end()), "{}\n{}", own.text, printed.text);
        assert_eq!(own.marks.len(), printed.marks.len());
    }
}

#[test]
fn each_page_is_a_document_named_for_a_url() {
    let decoded = Decoded::from(read(MILL).unwrap());
    let names: Vec<_> = decoded.pieces.iter().map(|piece| (piece.kind, piece.name.as_deref().unwrap())).collect();
    assert_eq!(names, [("page", "page=1"), ("page", "page=2")]);
    assert_eq!(decoded.pieces[1].data, json!({ "page": 2 }));
}

#[test]
fn what_has_no_text_says_why() {
    let without = |texts: &[&str]| {
        let mut file = String::from_utf8_lossy(MILL).into_owned();
        for text in texts {
            file = file.replace(text, "");
        }
        read(file.as_bytes()).unwrap_err()
    };
    assert_eq!(read(ENCRYPTED).unwrap_err(), "it is encrypted and wants a password");
    assert_eq!(read(b"%PDF-1.7").unwrap_err(), "it is damaged or cut off");
    assert!(without(&[" Tj", " TJ"]).contains("OCR"));
    assert!(without(&["3 0 R 4 0 R 5 0 R"]).contains("no pages"));
}

#[test]
fn cut_and_changed_bytes_are_read_or_refused() {
    for file in [MILL, PRINTED, ENCRYPTED] {
        for cut in (0..file.len()).step_by(97) {
            drop(read(&file[..cut]));
        }
        let mut state: u32 = 7;
        for _ in 0..200 {
            let mut changed = file.to_vec();
            for _ in 0..8 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = state as usize % changed.len();
                changed[at] = (state >> 24) as u8;
            }
            drop(read(&changed));
        }
    }
}
