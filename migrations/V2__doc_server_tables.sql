-- The two tables as the doc-server has them. On a database that the doc-server already uses, both exist and this file
-- changes nothing; the files that follow bring either case to the same shape. doc_type is text from the start here: an
-- enum would need DDL for every new type. Names are varchar, as the doc-server's functions return them, but of any
-- length. V4 brings an older database's to the same.
create table if not exists public.document_sources (
    id uuid primary key default gen_random_uuid(),
    doc_type text not null,
    source_name varchar not null,
    version varchar,
    config jsonb default '{}',
    enabled boolean default true,
    last_updated timestamptz default current_timestamp,
    total_docs integer default 0,
    total_tokens integer default 0,
    created_at timestamptz default current_timestamp,
    updated_at timestamptz default current_timestamp,
    constraint document_sources_doc_type_source_name_key unique (doc_type, source_name)
);

create table if not exists public.documents (
    id uuid primary key default gen_random_uuid(),
    doc_type text not null,
    source_name varchar not null,
    doc_path text not null,
    content text not null,
    metadata jsonb default '{}',
    embedding vector(3072),
    token_count integer,
    created_at timestamptz default current_timestamp,
    updated_at timestamptz default current_timestamp,
    constraint documents_doc_type_source_name_doc_path_key unique (doc_type, source_name, doc_path)
);
