-- A doc-server's database as it was before sqlmig: an enum for doc_type, names of 255 characters, a view, and rows, one
-- of them of a source that was never written down.
create extension if not exists vector;
create type public.doc_type as enum ('rust', 'jupyter', 'birdeye');
create table public.document_sources (
    id uuid primary key default gen_random_uuid(),
    doc_type public.doc_type not null,
    source_name varchar(255) not null,
    version varchar(50),
    config jsonb default '{}',
    enabled boolean default true,
    last_updated timestamptz default current_timestamp,
    total_docs integer default 0,
    total_tokens integer default 0,
    created_at timestamptz default current_timestamp,
    updated_at timestamptz default current_timestamp,
    unique (doc_type, source_name)
);
create table public.documents (
    id uuid primary key default gen_random_uuid(),
    doc_type public.doc_type not null,
    source_name varchar(255) not null,
    doc_path text not null,
    content text not null,
    metadata jsonb default '{}',
    embedding vector(3072),
    token_count integer,
    created_at timestamptz default current_timestamp,
    updated_at timestamptz default current_timestamp,
    unique (doc_type, source_name, doc_path)
);
create view public.rust_documents as select * from public.documents where doc_type = 'rust';
insert into public.document_sources (id, doc_type, source_name, created_at, updated_at)
values ('00000000-0000-0000-0000-000000000001', 'rust', 'serde', '2025-01-01', '2025-01-01');
insert into public.documents (doc_type, source_name, doc_path, content, created_at, updated_at)
values
    ('rust', 'serde', 'a', 'serde a', '2025-01-01', '2025-01-02'),
    ('jupyter', 'lost', 'b', 'notebook b', '2025-01-01', '2025-01-03');
