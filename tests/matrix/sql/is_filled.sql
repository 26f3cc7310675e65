-- Whether the newest run wanted vectors, and has them all.
select (
    pg_catalog.count(*) > 0
    and pg_catalog.bool_and(
        exists (
            select
            from sqlmig.embedding as embedding
            where embedding.text_sha256 = wanted.text_sha256 and embedding.provider = wanted.provider
                and embedding.model = wanted.model and embedding.dimensions = wanted.dimensions
        )
    )
)::text
from sqlmig.embedding_row as wanted
where wanted.run_id = (select id from sqlmig.run order by started_at desc limit 1)
