//! Writing a dump as `pg_dump` writes it: its own text around the rows, COPY's escapes in them.

use std::io::{self, Write};

/// How much is gathered before it is handed to the output.
const BUFFER_BYTES: usize = 1 << 20;

/// Writes `pg_dump`'s output for an empty database, with rows where the template says `@table@`.
pub(super) fn write(
    template: &str,
    seed: u64,
    dimensions: usize,
    out: &mut impl Write,
    mut rows: impl FnMut(&str, &mut Copy) -> io::Result<()>,
) -> io::Result<()> {
    let mut out = io::BufWriter::with_capacity(BUFFER_BYTES, out);
    for line in template.lines() {
        if let Some(table) = line.strip_prefix('@').and_then(|line| line.strip_suffix('@')) {
            rows(table, &mut Copy { out: &mut out, row: Vec::new(), fields: 0 })?;
            continue;
        }
        let line = line.replace("@dimensions@", &dimensions.to_string()).replace("@token@", &token(seed));
        writeln!(out, "{line}")?;
    }
    out.flush()
}

/// What `pg_dump` draws at random to make `\unrestrict` unforgeable, here from the seed.
fn token(seed: u64) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = super::random::Random::of(seed, 5, 0);
    (0..63).map(|_| char::from(LETTERS[usize::try_from(random.below(62)).unwrap_or(0)])).collect()
}

/// Rows of one COPY block.
pub(super) struct Copy<'a> {
    out: &'a mut dyn Write,
    row: Vec<u8>,
    fields: usize,
}

impl Copy<'_> {
    fn separate(&mut self) {
        if self.fields > 0 {
            self.row.push(b'\t');
        }
        self.fields += 1;
    }

    /// Appends a value, escaped; `None` is NULL.
    pub(super) fn field(&mut self, value: Option<&str>) -> &mut Self {
        self.separate();
        match value {
            None => self.row.extend_from_slice(b"\\N"),
            Some(value) => escape(value, &mut self.row),
        }
        self
    }

    /// Appends a value that `write` appends and that needs no escapes, as numbers and vectors.
    pub(super) fn plain(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        self.separate();
        write(&mut self.row);
        self
    }

    /// Appends bytes to the last value as they are.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.row.extend_from_slice(bytes);
    }

    /// Writes the row.
    pub(super) fn end(&mut self) -> io::Result<()> {
        self.row.push(b'\n');
        self.out.write_all(&self.row)?;
        self.row.clear();
        self.fields = 0;
        Ok(())
    }
}

/// COPY's text format as PostgreSQL writes it (manual, "COPY", "Text Format").
fn escape(value: &str, out: &mut Vec<u8>) {
    for &byte in value.as_bytes() {
        let letter = match byte {
            b'\\' => b'\\',
            0x08 => b'b',
            b'\n' => b'n',
            b'\t' => b't',
            b'\r' => b'r',
            0x0b => b'v',
            0x0c => b'f',
            _ => {
                out.push(byte);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', letter]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_escaped_as_copy_reads_them() {
        let mut out = Vec::new();
        write("head @dimensions@\n@t@\n\\.", 1, 7, &mut out, |table, copy| {
            assert_eq!(table, "t");
            copy.field(Some("a\tb\\N\r\n\u{8}\u{b}\u{c}é")).field(None).field(Some(""));
            copy.plain(|out| out.extend_from_slice(b"[1]")).end()
        })
        .unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "head 7\na\\tb\\\\N\\r\\n\\b\\v\\fé\t\\N\t\t[1]\n\\.\n");
    }
}
