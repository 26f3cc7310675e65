-- The vectors that rows of a relation take from the ledger.
select
    wanted.source as _source,
    wanted.row as _row,
    embedding.embedding,
    embedding.provider,
    embedding.model,
    embedding.dimensions,
    embedding.text_sha256
from {{ embedding_row }} as wanted
join sqlmig.embedding as embedding using (text_sha256, provider, model, dimensions)
where wanted.run_id = {{ run | literal }}::uuid
    and wanted.relation = {{ relation | literal }}
