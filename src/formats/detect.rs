//! Which format a file is of, by its name and, where that says little, its first bytes.

use std::fmt;

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Markdown.
    Markdown,
    /// Markdown with JSX.
    Mdx,
    /// HTML.
    Html,
    /// A Jupyter notebook.
    Notebook,
    /// reStructuredText.
    Rst,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// TOML.
    Toml,
    /// An `OpenAPI` or Swagger description, in JSON or YAML.
    OpenApi,
    /// What `rustdoc --output-format json` writes.
    RustdocJson,
    /// Rust source.
    Rust,
    /// Plain text.
    Text,
    /// PDF.
    Pdf,
    /// A picture.
    Image,
    /// An archive inside an archive, which is not opened.
    Archive,
    /// A symbolic link.
    Link,
    /// Text of a kind that is not read, such as source in other languages.
    Other,
    /// Bytes that are no text.
    Binary,
    /// What could not be read at all.
    Unknown,
}

impl Format {
    /// Its name in `staging.files`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Markdown => "markdown",
            Self::Mdx => "mdx",
            Self::Html => "html",
            Self::Notebook => "notebook",
            Self::Rst => "rst",
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Toml => "toml",
            Self::OpenApi => "openapi",
            Self::RustdocJson => "rustdoc_json",
            Self::Rust => "rust",
            Self::Text => "text",
            Self::Pdf => "pdf",
            Self::Image => "image",
            Self::Archive => "archive",
            Self::Link => "link",
            Self::Other => "other",
            Self::Binary => "binary",
            Self::Unknown => "unknown",
        }
    }

    /// Whether text is read of it.
    pub(super) fn is_read(self) -> bool {
        !matches!(self, Self::Image | Self::Archive | Self::Link | Self::Other | Self::Binary | Self::Unknown)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Bytes that are looked at for a NUL where a name says nothing; git looks at as many.
const HEAD_BYTES: usize = 8000;

/// The format of a file, before it is decoded.
#[must_use]
pub fn detect(path: &str, bytes: &[u8]) -> Format {
    if bytes.starts_with(b"%PDF-") {
        return Format::Pdf;
    }
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let extension = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map(|(_, extension)| extension);
    match extension {
        Some("md" | "markdown" | "mkd" | "mdown") => Format::Markdown,
        Some("mdx") => Format::Mdx,
        Some("html" | "htm" | "xhtml") => Format::Html,
        Some("ipynb") => Format::Notebook,
        Some("rst" | "rest") => Format::Rst,
        Some("json") => Format::Json,
        Some("yaml" | "yml") => Format::Yaml,
        Some("toml") => Format::Toml,
        Some("rs") => Format::Rust,
        Some("txt" | "text" | "adoc" | "asciidoc" | "org" | "log" | "me" | "debian" | "news" | "todo") => Format::Text,
        Some("pdf") => Format::Pdf,
        Some("png" | "jpg" | "jpeg" | "gif" | "svg" | "webp" | "ico" | "bmp" | "avif" | "tif" | "tiff") => {
            Format::Image
        }
        Some("zip" | "tar" | "tgz" | "gz" | "crate" | "bz2" | "xz" | "zst" | "7z" | "jar" | "whl" | "deb") => {
            Format::Archive
        }
        _ => by_content(&name, extension, bytes),
    }
}

/// Files without an extension are text (README, copyright, LICENSE), unless they are known to be scripts for programs.
fn by_content(name: &str, extension: Option<&str>, bytes: &[u8]) -> Format {
    let utf16 = matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
    if !utf16 && memchr::memchr(0, &bytes[..bytes.len().min(HEAD_BYTES)]).is_some() {
        return Format::Binary;
    }
    if !utf16 && std::str::from_utf8(bytes).is_err() {
        // A README in Latin-1 is meant to be read: decoding it says what is wrong with it.
        let is_readme = extension.is_none() && ["readme", "copyright", "changelog", "license", "news"].contains(&name);
        return if is_readme { Format::Text } else { Format::Binary };
    }
    let is_script = bytes.starts_with(b"#!") || name.starts_with('.') || name.ends_with("file");
    // A version in a name is no extension: changes-1.2, rust-1.85.
    let numbered = extension.is_some_and(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    if (extension.is_none() || numbered) && !is_script { Format::Text } else { Format::Other }
}
