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
