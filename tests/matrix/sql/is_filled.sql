-- Whether the newest run is one that fetches vectors for the rows of another, and has them all.
select (
    run.parent is not null
    and not exists (
        select
        from sqlmig.embedding_row as wanted
        where wanted.run_id = run.id
            and not exists (
                select
                from sqlmig.embedding as embedding
                where embedding.text_sha256 = wanted.text_sha256 and embedding.provider = wanted.provider
                    and embedding.model = wanted.model and embedding.dimensions = wanted.dimensions
            )
    )
)::text
from sqlmig.run as run
order by run.started_at desc
limit 1
