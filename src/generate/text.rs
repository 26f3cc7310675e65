//! Prose and code that look like documentation, with everything in them that COPY's text format must escape.

use std::fmt::Write;

use super::corpus::Language;
use super::random::Random;

const SUBJECTS: &[&str] = &[
    "The decoder",
    "This method",
    "A handle",
    "The connection pool",
    "Each worker",
    "The scheduler",
    "An iterator",
    "The returned value",
    "The cluster",
    "A program account",
    "The controller",
    "This field",
    "The endpoint",
];
const VERBS: &[&str] = &[
    "returns",
    "waits for",
    "borrows",
    "owns",
    "validates",
    "forwards",
    "caches",
    "drops",
    "retries",
    "reports",
    "allocates",
    "serializes",
    "subscribes to",
    "replaces",
    "never blocks on",
];
const OBJECTS: &[&str] = &[
    "the underlying buffer",
    "every pending request",
    "the next batch",
    "a shared reference",
    "the configured limit",
    "its parent's state",
    "all open connections",
    "the signature",
    "the packet's headers",
    "a naïve default",
    "the caller's timeout",
    "an owned copy — not a view",
    "values ≥ 0",
    "the façade's cache",
];
const ENDS: &[&str] = &[
    "unless the feature is disabled",
    "before it is polled again",
    "in O(log n) time",
    "on every platform",
    "when the stream ends",
    "as of version 2",
    "and logs a warning",
    "without holding the lock",
    "which costs one allocation",
    "if and only if the input is valid UTF-8",
];
/// Lines that are rare in documentation and common among the reasons why loaders fail.
const ODDITIES: &[&str] = &[
    "日本語のドキュメントもあります。",
    "Emoji are fine: 🦀 → 🐍, “quoted” and ‘so’.",
    "Path: C:\\new\\table\\0\\x41\\.",
    "Ends the copy? \\.\n\\.\nNo.",
    "col a\tcol b\tcol c",
    "\\N is not null here",
    "carriage\rreturn and CRLF\r\n",
    "bell-like \u{8} \u{b} \u{c} control characters",
    "COPY public.documents (id) FROM stdin;",
    "-- '); DROP TABLE x; --",
    "Ångström, Ελληνικά, עברית, हिन्दी, combining e\u{301}",
    "zero\u{200b}width and non\u{a0}breaking",
];

/// Appends a document of about `bytes` bytes that begins with its title.
pub(super) fn write_document(random: &mut Random, language: Language, title: &str, bytes: usize, out: &mut String) {
    let _ = writeln!(out, "# {title}\n");
    while out.len() < bytes {
        match random.below(10) {
            0..=5 => paragraph(random, out),
            6 | 7 => code(random, language, out),
            8 => list(random, out),
            _ => {
                out.push_str(random.pick(ODDITIES));
                out.push_str("\n\n");
            }
        }
    }
    out.truncate(out.trim_end_matches(' ').len());
}

fn sentence(random: &mut Random, out: &mut String) {
    let (subject, verb) = (random.pick(SUBJECTS), random.pick(VERBS));
    let (object, end) = (random.pick(OBJECTS), random.pick(ENDS));
    let _ = write!(out, "{subject} {verb} {object} {end}. ");
}

fn paragraph(random: &mut Random, out: &mut String) {
    for _ in 0..2 + random.below(4) {
        sentence(random, out);
    }
    out.push_str("\n\n");
}

fn list(random: &mut Random, out: &mut String) {
    for _ in 0..2 + random.below(4) {
        out.push_str("- ");
        sentence(random, out);
        out.push('\n');
    }
    out.push('\n');
}

fn code(random: &mut Random, language: Language, out: &mut String) {
    let (number, name) = (random.below(1000), random.pick(&["limit", "retries", "bins", "depth", "slots"]));
    let _ = match language {
        Language::Rust => writeln!(
            out,
            "```rust\nlet {name} = Config::new({number})?;\nfor line in text.split('\\n') {{\n\tprintln!(\"{{line}}\\t{{{name}}}\");\n}}\n```\n"
        ),
        Language::Python => writeln!(
            out,
            "```python\n{name} = {number}\nwith open(r\"C:\\data\\{name}.csv\") as f:\n\trows = [r.split(\"\\t\") for r in f]\n```\n"
        ),
        Language::Json => writeln!(
            out,
            "```json\n{{\n  \"success\": true,\n  \"data\": {{ \"{name}\": {number}, \"note\": \"a\\\"b\\\\c\\u00e9\" }}\n}}\n```\n"
        ),
        Language::Yaml => writeln!(
            out,
            "```yaml\nspec:\n  {name}: {number}\n  match: \"^/api/\\\\d+$\"\n  labels:\n    app: \"web\"\n```\n"
        ),
        Language::C => writeln!(
            out,
            "```c\nSEC(\"xdp\")\nint {name}(struct xdp_md *ctx) {{\n\tbpf_printk(\"{name}=%d\\n\", {number});\n\treturn XDP_PASS;\n}}\n```\n"
        ),
        Language::TypeScript => writeln!(
            out,
            "```ts\nconst {name} = await pool.get{number}();\nconsole.log(`{name}\\t${{{name}.toString()}}`);\n```\n"
        ),
    };
}
