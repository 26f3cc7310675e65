-- The texts of a trial that the ledger has no vector of, each once. $1 relation, $2 source table
select texts.text
from (
{{ select }}) as texts
where texts._row in (
    select pg_catalog.min(wanting.row)
    from pg_temp."sqlmig embedding_wanting" as wanting
    where wanting.relation = $1 and wanting.source = $2 and wanting.reason is null
    group by wanting.text_sha256
)
