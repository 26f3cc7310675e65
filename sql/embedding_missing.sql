-- Texts of one source table that have no vector yet and of which nothing is said, each once, in the order of the source.
-- $1 run id, $2 relation, $3 source table, $4 only rows after this one, $5 at most how many
select wanted.row, wanted.text_sha256
from sqlmig.embedding_wanting as wanted
where wanted.run_id = $1
    and wanted.relation = $2
    and wanted.source = $3
    and wanted.row > $4
    and wanted.reason is null
    and not exists (
        select
        from sqlmig.embedding_row as earlier
        where earlier.run_id = $1
            and earlier.text_sha256 = wanted.text_sha256
            and (earlier.relation, earlier.source, earlier.row) < (wanted.relation, wanted.source, wanted.row)
    )
order by wanted.row
limit $5
