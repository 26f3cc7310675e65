-- The texts of a trial that the ledger has no vector of, each once. $1 relation, $2 source table
select texts.text
from (
{{ select }}) as texts
where texts._row in (
    select pg_catalog.min(wanted.row)
    from {{ embedding_row }} as wanted
    where wanted.relation = $1
        and wanted.source = $2
        and wanted.reason is null
        and not exists (
            select
            from sqlmig.embedding as known
            where known.text_sha256 = wanted.text_sha256
                and known.provider = wanted.provider
                and known.model = wanted.model
                and known.dimensions = wanted.dimensions
        )
    group by wanted.text_sha256
)
