-- Vectors that were paid for, by what was paid for: the SHA-256 of the text as sent (UTF-8), and the space that the vector is in.
-- Logged, and committed before any use. real[] rather than pgvector's type: the ledger is there before any extension.
create table sqlmig.embedding (
    text_sha256 bytea not null,
    provider text not null,
    model text not null,
    dimensions integer not null,
    embedding real[] not null,
    input_tokens integer not null,
    run_id uuid,
    created_at timestamptz not null default now(),
    primary key (text_sha256, provider, model, dimensions)
);

-- Floats do not compress; trying to costs time at each insert.
alter table sqlmig.embedding alter column embedding set storage external;

-- Which rows of a run take their vector from there, and in which space it is looked for; without a model there is none.
-- `reason` says why a row is left without one.
create table sqlmig.embedding_row (
    run_id uuid not null references sqlmig.run (id) on delete cascade,
    relation text not null,
    source text not null,
    row bigint not null,
    text_sha256 bytea not null,
    provider text,
    model text,
    dimensions integer,
    reason text,
    primary key (run_id, relation, source, row)
);

create index embedding_row_text on sqlmig.embedding_row (run_id, text_sha256);

-- What was asked of the service, one row an answer that was paid for. `tokens` as the service counted them, or as sqlmig did where it
-- says nothing; `price` per million tokens, where one is configured.
create table sqlmig.embedding_request (
    run_id uuid not null references sqlmig.run (id) on delete cascade,
    ordinal bigint generated always as identity,
    provider text not null,
    model text not null,
    dimensions integer not null,
    texts integer not null,
    vectors integer not null,
    tokens bigint not null,
    price double precision,
    elapsed_ms bigint not null,
    finished_at timestamptz not null default now(),
    primary key (run_id, ordinal)
);

-- Rows that want a vector of whose text there is none in the ledger yet: what the statements about missing embeddings
-- have in common.
create view sqlmig.embedding_wanting as
select wanted.run_id, wanted.relation, wanted.source, wanted.row, wanted.text_sha256, wanted.provider, wanted.model,
    wanted.dimensions, wanted.reason
from sqlmig.embedding_row as wanted
where not exists (
    select
    from sqlmig.embedding as embedding
    where embedding.text_sha256 = wanted.text_sha256
        and embedding.provider = wanted.provider
        and embedding.model = wanted.model
        and embedding.dimensions = wanted.dimensions
);
