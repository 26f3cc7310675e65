//! PostgreSQL's encodings by name, and the way from each to UTF-8.

use encoding_rs as rs;

use super::differences;

/// An encoding that a dump can be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding {
    name: &'static str,
    way: Way,
}

/// How bytes become UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// They are UTF-8 already, and are checked.
    Utf8,
    /// Each byte is the code point of its number: ISO 8859-1 exactly.
    Latin1,
    /// ISO 8859-9: ISO 8859-1 with six letters replaced.
    Latin5,
    /// A decoder of `encoding_rs`.
    Decoder(&'static rs::Encoding),
    /// As before, but a C1 control in the result stands for a byte that the code page leaves undefined: the decoders
    /// follow the WHATWG, which maps those to themselves, where PostgreSQL refuses them.
    CodePage(&'static rs::Encoding),
}

/// Which bytes follow a lead byte and could be taken for a quote or a backslash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trail {
    /// None that could.
    Safe,
    /// Lead bytes from 0x81 on take one more byte; in SJIS, 0xA1–0xDF are characters of their own.
    ShiftJis,
    /// Lead bytes from 0x81 on take one more byte.
    Two,
    /// As `Two`, but a second byte 0x30–0x39 makes it four.
    Gb18030,
}

impl Encoding {
    /// UTF-8, what a dump is in that names no encoding.
    pub const UTF8: Self = Self { name: "UTF8", way: Way::Utf8 };

    /// Finds an encoding by one of the names that PostgreSQL gives it; case and punctuation do not matter.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        let key: String =
            name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
        // https://www.postgresql.org/docs/current/multibyte.html, table "PostgreSQL Character Sets", names and aliases.
        let (name, way) = match key.as_str() {
            "utf8" | "unicode" => ("UTF8", Way::Utf8),
            "sqlascii" => ("SQL_ASCII", Way::Utf8),
            "latin1" | "iso88591" => ("LATIN1", Way::Latin1),
            "latin2" | "iso88592" => ("LATIN2", Way::Decoder(rs::ISO_8859_2)),
            "latin3" | "iso88593" => ("LATIN3", Way::Decoder(rs::ISO_8859_3)),
            "latin4" | "iso88594" => ("LATIN4", Way::Decoder(rs::ISO_8859_4)),
            "latin5" | "iso88599" => ("LATIN5", Way::Latin5),
            "latin6" | "iso885910" => ("LATIN6", Way::Decoder(rs::ISO_8859_10)),
            "latin7" | "iso885913" => ("LATIN7", Way::Decoder(rs::ISO_8859_13)),
            "latin8" | "iso885914" => ("LATIN8", Way::Decoder(rs::ISO_8859_14)),
            "latin9" | "iso885915" => ("LATIN9", Way::Decoder(rs::ISO_8859_15)),
            "latin10" | "iso885916" => ("LATIN10", Way::Decoder(rs::ISO_8859_16)),
            "iso88595" => ("ISO_8859_5", Way::Decoder(rs::ISO_8859_5)),
            "iso88596" => ("ISO_8859_6", Way::Decoder(rs::ISO_8859_6)),
            "iso88597" => ("ISO_8859_7", Way::Decoder(rs::ISO_8859_7)),
            "iso88598" => ("ISO_8859_8", Way::Decoder(rs::ISO_8859_8)),
            "win1250" | "windows1250" => ("WIN1250", Way::CodePage(rs::WINDOWS_1250)),
            "win1251" | "windows1251" | "win" => ("WIN1251", Way::CodePage(rs::WINDOWS_1251)),
            "win1252" | "windows1252" => ("WIN1252", Way::CodePage(rs::WINDOWS_1252)),
            "win1253" | "windows1253" => ("WIN1253", Way::CodePage(rs::WINDOWS_1253)),
            "win1254" | "windows1254" => ("WIN1254", Way::CodePage(rs::WINDOWS_1254)),
            "win1255" | "windows1255" => ("WIN1255", Way::CodePage(rs::WINDOWS_1255)),
            "win1256" | "windows1256" => ("WIN1256", Way::CodePage(rs::WINDOWS_1256)),
            "win1257" | "windows1257" => ("WIN1257", Way::CodePage(rs::WINDOWS_1257)),
            "win1258" | "windows1258" | "abc" | "tcvn" | "tcvn5712" | "vscii" => {
                ("WIN1258", Way::CodePage(rs::WINDOWS_1258))
            }
            "win866" | "windows866" | "alt" => ("WIN866", Way::Decoder(rs::IBM866)),
            "win874" | "windows874" => ("WIN874", Way::CodePage(rs::WINDOWS_874)),
            "koi8r" | "koi8" => ("KOI8R", Way::Decoder(rs::KOI8_R)),
            "koi8u" => ("KOI8U", Way::Decoder(rs::KOI8_U)),
            "eucjp" => ("EUC_JP", Way::Decoder(rs::EUC_JP)),
            "euckr" => ("EUC_KR", Way::Decoder(rs::EUC_KR)),
            "euccn" => ("EUC_CN", Way::Decoder(rs::GBK)),
            "sjis" | "shiftjis" | "mskanji" | "win932" | "windows932" => ("SJIS", Way::Decoder(rs::SHIFT_JIS)),
            "big5" | "win950" | "windows950" => ("BIG5", Way::Decoder(rs::BIG5)),
            "gbk" | "win936" | "windows936" => ("GBK", Way::Decoder(rs::GBK)),
            "gb18030" => ("GB18030", Way::Decoder(rs::GB18030)),
            "uhc" | "win949" | "windows949" => ("UHC", Way::Decoder(rs::EUC_KR)),
            _ => return None,
        };
        Some(Self { name, way })
    }

    /// PostgreSQL's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Whether text needs no conversion.
    pub(super) fn is_utf8(self) -> bool {
        self.way == Way::Utf8
    }

    pub(super) fn trail(self) -> Trail {
        match self.name {
            "SJIS" => Trail::ShiftJis,
            "BIG5" | "GBK" | "UHC" => Trail::Two,
            "GB18030" => Trail::Gb18030,
            _ => Trail::Safe,
        }
    }

    /// Converts `bytes` to UTF-8 at the end of `out`.
    ///
    /// # Errors
    /// The first byte sequence that stands for no character.
    pub(super) fn convert(self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        match self.way {
            Way::Utf8 => {
                std::str::from_utf8(bytes).map_err(|error| describe(bytes, error.valid_up_to(), self.name))?;
                out.extend_from_slice(bytes);
            }
            Way::Latin1 => single_bytes(bytes, out, char::from),
            Way::Latin5 => single_bytes(bytes, out, |byte| match byte {
                0xd0 => 'Ğ',
                0xdd => 'İ',
                0xde => 'Ş',
                0xf0 => 'ğ',
                0xfd => 'ı',
                0xfe => 'ş',
                other => char::from(other),
            }),
            Way::Decoder(decoder) | Way::CodePage(decoder) => {
                let Some(differences) = differences::of(self.name) else { return self.decode(decoder, bytes, out) };
                let (mut start, mut at) = (0, 0);
                while at < bytes.len() {
                    let end = at + self.width(&bytes[at..]);
                    if !bytes[at].is_ascii()
                        && let Some(&letter) = differences.get(&bytes[at..end])
                    {
                        self.decode(decoder, &bytes[start..at], out)?;
                        out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                        start = end;
                    }
                    at = end;
                }
                self.decode(decoder, &bytes[start..], out)?;
            }
        }
        Ok(())
    }

    fn decode(self, decoder: &'static rs::Encoding, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        let text = decoder
            .decode_without_bom_handling_and_without_replacement(bytes)
            .ok_or_else(|| format!("invalid byte sequence for encoding \"{}\"", self.name))?;
        if matches!(self.way, Way::CodePage(_))
            && let Some(control) = text.chars().find(|letter| ('\u{80}'..='\u{9f}').contains(letter))
        {
            return Err(format!(
                "character with byte sequence 0x{:02x} in encoding \"{}\" has no equivalent in encoding \"UTF8\"",
                u32::from(control),
                self.name
            ));
        }
        out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    /// Bytes of the character at the front of `bytes`, never more than there are.
    fn width(self, bytes: &[u8]) -> usize {
        let lead = bytes.first().copied().unwrap_or_default();
        let width = match self.name {
            "EUC_JP" if lead == 0x8f => 3,
            "EUC_JP" if lead == 0x8e || lead >= 0xa1 => 2,
            "EUC_KR" | "EUC_CN" if lead >= 0x81 => 2,
            _ => self.trail().width(bytes),
        };
        width.min(bytes.len())
    }
}

fn single_bytes(bytes: &[u8], out: &mut Vec<u8>, letter: impl Fn(u8) -> char) {
    let mut utf8 = [0; 4];
    for &byte in bytes {
        out.extend_from_slice(letter(byte).encode_utf8(&mut utf8).as_bytes());
    }
}

/// The words PostgreSQL has for invalid bytes at `at`.
pub(super) fn describe(bytes: &[u8], at: usize, encoding: &str) -> String {
    let shown: Vec<String> = bytes[at..].iter().take(4).map(|byte| format!("0x{byte:02x}")).collect();
    format!("invalid byte sequence for encoding \"{encoding}\": {}", shown.join(" "))
}

impl Trail {
    /// Bytes of the character at the front of `bytes`, never more than there are; a truncated one counts whole.
    pub(super) fn width(self, bytes: &[u8]) -> usize {
        let lead = bytes.first().copied().unwrap_or_default();
        let width = match self {
            _ if lead < 0x81 || lead == 0xff => 1,
            Self::Safe => 1,
            Self::ShiftJis if (0xa0..=0xdf).contains(&lead) => 1,
            Self::Gb18030 if matches!(bytes.get(1), Some(b'0'..=b'9')) => 4,
            Self::ShiftJis | Self::Two | Self::Gb18030 => 2,
        };
        width.min(bytes.len())
    }
}
