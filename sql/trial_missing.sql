-- Rows of a trial that want a vector, and how many texts of theirs the ledger has no vector of. $1 relation, $2 source table
select
    pg_catalog.count(*) as rows,
    pg_catalog.count(distinct wanted.text_sha256) filter (
        where wanted.reason is null
            and not exists (
                select
                from sqlmig.embedding as known
                where known.text_sha256 = wanted.text_sha256
                    and known.provider = wanted.provider
                    and known.model = wanted.model
                    and known.dimensions = wanted.dimensions
            )
    ) as texts
from pg_temp."sqlmig embedding_row" as wanted
where wanted.relation = $1 and wanted.source = $2
