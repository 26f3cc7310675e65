//! Rows as `pg_dump` writes them (PostgreSQL manual, COPY, "Text Format").

/// The tables of a tree and their columns; those of parts are one table a type, all alike.
pub(super) const SOURCES: &str = "public.file_sources";
pub(super) const SOURCE_COLUMNS: [&str; 7] =
    ["doc_type", "source_name", "version", "files", "files_left_out", "prune", "facts"];
pub(super) const FILES: &str = "public.files";
pub(super) const FILE_COLUMNS: [&str; 13] = [
    "doc_type",
    "source_name",
    "path",
    "format",
    "size_bytes",
    "sha256",
    "state",
    "text",
    "text_sha256",
    "parsed",
    "parts",
    "decoded_by",
    "error",
];
pub(super) const PART_COLUMNS: [&str; 17] = [
    "source_name",
    "version",
    "path",
    "format",
    "file_sha256",
    "part",
    "parts",
    "anchor",
    "kind",
    "name",
    "headings",
    "text",
    "text_sha256",
    "tokens",
    "data",
    "about",
    "split",
];

/// Rows of one table that were not written yet.
#[derive(Debug)]
pub(super) struct Rows {
    table: String,
    columns: &'static [&'static str],
    pub bytes: Vec<u8>,
}

impl Rows {
    pub fn new(table: String, columns: &'static [&'static str]) -> Self {
        Self { table, columns, bytes: Vec::new() }
    }

    /// The statement that makes the table, which tells the reader its columns.
    pub fn create(&self) -> String {
        let columns: Vec<String> = self.columns.iter().map(|column| format!("    {column} text")).collect();
        format!("CREATE TABLE {} (\n{}\n);\n\n", self.table, columns.join(",\n"))
    }

    /// Adds a row; `None` is null.
    pub fn push(&mut self, fields: &[Option<&str>]) {
        debug_assert_eq!(fields.len(), self.columns.len());
        for (place, field) in fields.iter().enumerate() {
            if place > 0 {
                self.bytes.push(b'\t');
            }
            match field {
                None => self.bytes.extend_from_slice(b"\\N"),
                Some(text) => escape(text, &mut self.bytes),
            }
        }
        self.bytes.push(b'\n');
    }

    /// The rows as one COPY statement, which leaves none behind; nothing where there are none.
    pub fn take_copy(&mut self) -> Vec<u8> {
        if self.bytes.is_empty() {
            return Vec::new();
        }
        let head = format!("COPY {} ({}) FROM stdin;\n", self.table, self.columns.join(", "));
        let mut copy = head.into_bytes();
        copy.append(&mut self.bytes);
        copy.extend_from_slice(b"\\.\n\n");
        copy
    }
}

fn escape(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let mut from = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let escaped = match byte {
            b'\\' => b'\\',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            _ => continue,
        };
        out.extend_from_slice(&bytes[from..at]);
        out.extend_from_slice(&[b'\\', escaped]);
        from = at + 1;
    }
    out.extend_from_slice(&bytes[from..]);
}
