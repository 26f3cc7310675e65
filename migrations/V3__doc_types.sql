-- The types of document that are accepted, and the metadata fields that each must carry. A table rather than an enum:
-- a new type is one row, needs no DDL, and a check can read what the type demands.
create table public.doc_types (
    doc_type text primary key,
    summary text not null,
    required_metadata text[] not null default '{}'
);

comment on column public.doc_types.required_metadata is
    'Top-level fields that must be in documents.metadata and not null';

insert into public.doc_types (doc_type, summary, required_metadata) values
    ('rust', 'Rust crates and the standard library, a page of rustdoc each', '{crate_name}'),
    ('jupyter', 'Jupyter notebooks', '{format}'),
    ('birdeye', 'BirdEye API, an endpoint each', '{source}'),
    ('cilium', 'Cilium documentation', '{format}'),
    ('talos', 'Talos Linux documentation', '{format}'),
    ('meteora', 'Meteora documentation', '{format}'),
    ('raydium', 'Raydium documentation', '{format}'),
    ('solana', 'Solana documentation', '{category}'),
    ('ebpf', 'eBPF documentation', '{format,topic}'),
    ('rust_best_practices', 'Guides to writing good Rust', '{format,topic}');
