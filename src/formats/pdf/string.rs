//! Text strings of a PDF outside its pages (ISO 32000-2, 7.9.2.2).

/// 0x80 to 0xa0 of `PDFDocEncoding` (ISO 32000-2, annex D.3); elsewhere it is Latin-1.
const DOC_ENCODING: &str = "•†‡…—–ƒ⁄‹›−‰„“”‘’‚™ﬁﬂŁŒŠŸŽıłœšž\u{fffd}€";

/// The text of a string, on one line and without characters that are none.
pub(super) fn text(bytes: &[u8]) -> String {
    let text = match bytes {
        [0xfe, 0xff, rest @ ..] => encoding_rs::UTF_16BE.decode_without_bom_handling(rest).0.into_owned(),
        [0xff, 0xfe, rest @ ..] => encoding_rs::UTF_16LE.decode_without_bom_handling(rest).0.into_owned(),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => bytes.iter().map(|byte| doc_encoded(*byte)).collect(),
    };
    let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn doc_encoded(byte: u8) -> char {
    match byte {
        0x80..=0xa0 => DOC_ENCODING.chars().nth(usize::from(byte - 0x80)).unwrap_or(char::REPLACEMENT_CHARACTER),
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read_in_the_encoding_that_they_begin_with() {
        for (bytes, wanted) in [
            (&b"Water  mills\r\n"[..], "Water mills"),
            (b"M\xfchle \x84 \x8dRad\x8e \xa0", "Mühle — “Rad” €"),
            (b"\xfe\xff\0M\0\xfc\0h\0l\0e", "Mühle"),
            (b"\xff\xfeM\0\xfc\0", "Mü"),
            (b"\xef\xbb\xbfM\xc3\xbchle\0", "Mühle"),
            (b"", ""),
        ] {
            assert_eq!(text(bytes), wanted);
        }
        assert_eq!(DOC_ENCODING.chars().count(), 0xa1 - 0x80);
    }
}
