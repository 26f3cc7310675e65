//! What the made-up documentation is about: the ten types, their sources, and which document belongs to which.

use super::random::Random;

/// Language of a type's code blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Rust,
    Python,
    Json,
    Yaml,
    C,
    TypeScript,
}

/// One of the doc-server's document types.
#[derive(Debug)]
pub(super) struct DocType {
    pub(super) name: &'static str,
    /// Share of all documents, in parts of 1000.
    pub(super) weight: u64,
    pub(super) language: Language,
    pub(super) sources: &'static [(&'static str, &'static str)],
    pub(super) topics: &'static [&'static str],
}

pub(super) const DOC_TYPES: [DocType; 10] = [
    DocType {
        name: "rust",
        weight: 560,
        language: Language::Rust,
        sources: &[
            ("serde", "1.0.219"),
            ("serde_json", "1.0.140"),
            ("tokio", "1.46.1"),
            ("anyhow", "1.0.98"),
            ("axum", "0.8.4"),
            ("hyper", "1.6.0"),
            ("reqwest", "0.12.22"),
            ("sqlx", "0.8.6"),
            ("tracing", "0.1.41"),
            ("clap", "4.5.41"),
            ("regex", "1.11.1"),
            ("rand", "0.9.1"),
            ("rayon", "1.10.0"),
            ("bytes", "1.10.1"),
            ("chrono", "0.4.41"),
            ("uuid", "1.17.0"),
            ("thiserror", "2.0.12"),
            ("futures", "0.3.31"),
            ("tower", "0.5.2"),
            ("std", "1.88.0"),
        ],
        topics: &["Decoder", "Encoder", "Stream", "Builder", "Error", "Config", "Handle", "Iter", "Visitor", "Guard"],
    },
    DocType {
        name: "jupyter",
        weight: 40,
        language: Language::Python,
        sources: &[("jupyterlab", "4.4.4"), ("notebook", "7.4.4")],
        topics: &["cells", "kernels", "widgets", "extensions", "magics", "plots"],
    },
    DocType {
        name: "birdeye",
        weight: 60,
        language: Language::Json,
        sources: &[("BirdEye API", "v3")],
        topics: &["price", "token_overview", "ohlcv", "trades", "token_security", "wallet", "pairs", "search"],
    },
    DocType {
        name: "cilium",
        weight: 60,
        language: Language::Yaml,
        sources: &[("cilium", "1.17.5"), ("hubble", "1.17.3")],
        topics: &["network-policy", "clustermesh", "encryption", "gateway-api", "bandwidth", "observability"],
    },
    DocType {
        name: "talos",
        weight: 50,
        language: Language::Yaml,
        sources: &[("talos", "1.10.5")],
        topics: &["machine-config", "upgrades", "disk-encryption", "etcd", "kubespan", "extensions"],
    },
    DocType {
        name: "meteora",
        weight: 40,
        language: Language::TypeScript,
        sources: &[("meteora-dlmm", "1.6.2"), ("meteora-damm", "2.0.0")],
        topics: &["liquidity", "fees", "bins", "vaults", "launches", "farming"],
    },
    DocType {
        name: "raydium",
        weight: 40,
        language: Language::TypeScript,
        sources: &[("raydium-sdk", "2.0.5"), ("raydium-clmm", "0.1.0")],
        topics: &["pools", "swap", "positions", "launchpad", "routing", "rewards"],
    },
    DocType {
        name: "solana",
        weight: 80,
        language: Language::Rust,
        sources: &[("Solana Agave", "2.2.20"), ("anchor", "0.31.1")],
        topics: &["consensus", "accounts", "runtime", "validator", "rpc", "turbine", "proposals"],
    },
    DocType {
        name: "ebpf",
        weight: 40,
        language: Language::C,
        sources: &[("libbpf", "1.5.1"), ("kernel-bpf", "6.15")],
        topics: &["maps", "verifier", "helpers", "tracepoints", "xdp", "ring-buffer"],
    },
    DocType {
        name: "rust_best_practices",
        weight: 30,
        language: Language::Rust,
        sources: &[("api-guidelines", "2025-06"), ("rust-patterns", "2025-05")],
        topics: &["errors", "ownership", "naming", "testing", "async", "unsafe"],
    },
];

/// One source of documents: its type's place in [`DOC_TYPES`], name and version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) theme: usize,
    pub(super) name: &'static str,
    pub(super) version: &'static str,
}

impl Source {
    pub(super) fn doc_type(&self) -> &'static DocType {
        &DOC_TYPES[self.theme]
    }

    /// A path that no other document of the source has, for the document's ordinal.
    pub(super) fn path(&self, topic: &str, ordinal: u64) -> String {
        match self.doc_type().name {
            "rust" => format!("{0}/latest/{0}/{1}/struct.{topic}{ordinal}.html", self.name, topic.to_lowercase()),
            "jupyter" => format!("examples/{topic}/{topic}-{ordinal:04}.ipynb"),
            "birdeye" => format!("GET /defi/v3/{topic}/{ordinal}"),
            "solana" => format!("docs/src/{topic}/{topic}-{ordinal}.md"),
            _ => format!("{}/{topic}/page-{ordinal}.md", self.name),
        }
    }

    /// The metadata that the doc-server's loaders write for a document of this type, as pairs of key and JSON value.
    pub(super) fn metadata(&self, topic: &str, path: &str, random: &mut Random) -> Vec<(&'static str, String)> {
        let text = |value: &str| serde_json::Value::from(value).to_string();
        let level = random.pick(&["beginner", "intermediate", "advanced"]);
        match self.doc_type().name {
            "rust" => vec![
                ("crate_name", text(self.name)),
                ("item", text(topic)),
                ("original_id", random.below(50_000).to_string()),
            ],
            "birdeye" => vec![
                ("source", text("birdeye_openapi")),
                ("endpoint_data", format!("{{\"path\": {}, \"method\": \"GET\"}}", text(path))),
                ("extracted_at", text("2025-07-20T09:41:12.000317")),
            ],
            "solana" => vec![
                ("category", text(topic)),
                ("file_path", text(path)),
                ("repository", text("anza-xyz/agave")),
                ("source_type", text("md")),
            ],
            _ => vec![
                ("format", text(if self.doc_type().name == "jupyter" { "notebook" } else { "markdown" })),
                ("topic", text(topic)),
                ("complexity", text(level)),
                ("original_doc_type", text(self.doc_type().name)),
            ],
        }
    }
}

/// All sources, those of the first type first.
pub(super) fn sources() -> impl Iterator<Item = Source> {
    DOC_TYPES.iter().enumerate().flat_map(|(theme, doc_type)| {
        doc_type.sources.iter().map(move |&(name, version)| Source { theme, name, version })
    })
}

/// Which document belongs to which source: source after source, in the shares of the types.
#[derive(Debug)]
pub(super) struct Corpus {
    /// Index of each source's first document, and the source.
    starts: Vec<(u64, Source)>,
    documents: u64,
}

impl Corpus {
    pub(super) fn new(documents: u64, takes: impl Fn(&Source) -> bool) -> Self {
        let chosen: Vec<Source> = sources().filter(takes).collect();
        let weight = |source: &Source| source.doc_type().weight * 1000 / source.doc_type().sources.len() as u64;
        let all: u64 = chosen.iter().map(weight).sum();
        let mut before = 0;
        let starts = chosen
            .into_iter()
            .map(|source| {
                let start = u128::from(documents) * u128::from(before) / u128::from(all.max(1));
                before += weight(&source);
                (u64::try_from(start).unwrap_or(documents), source)
            })
            .collect();
        Self { starts, documents }
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = Source> {
        self.starts.iter().map(|&(_, source)| source)
    }

    /// The source of a document. Those beyond the planned number go to the sources in turn.
    pub(super) fn source_of(&self, document: u64) -> Source {
        let place = if document < self.documents {
            self.starts.partition_point(|&(start, _)| start <= document) - 1
        } else {
            usize::try_from((document - self.documents) % self.starts.len() as u64).unwrap_or(0)
        };
        self.starts[place].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_gets_its_share_and_every_document_a_source() {
        assert_eq!(DOC_TYPES.iter().map(|doc_type| doc_type.weight).sum::<u64>(), 1000);
        let corpus = Corpus::new(10_000, |_| true);
        for doc_type in &DOC_TYPES {
            let found = (0..10_000).filter(|&at| corpus.source_of(at).doc_type().name == doc_type.name).count() as u64;
            assert!(found.abs_diff(doc_type.weight * 10) <= 1, "{}: {found}", doc_type.name);
        }
        assert_eq!(corpus.source_of(10_001), corpus.sources().nth(1).unwrap());
    }
}
