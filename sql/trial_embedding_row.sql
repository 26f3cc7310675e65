-- In place of sqlmig.embedding_row in a trial: the rows that would take a vector from the ledger. Its columns are spelled out,
-- because a database that has no ledger yet is tried, too.
create temporary table "sqlmig embedding_row" (
    run_id uuid not null,
    relation text not null,
    source text not null,
    row bigint not null,
    text_sha256 bytea not null,
    provider text,
    model text,
    dimensions integer,
    reason text,
    primary key (run_id, relation, source, row)
) on commit drop
