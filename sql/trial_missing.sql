-- Rows of a trial that want a vector, and how many texts of theirs the ledger has no vector of. $1 relation, $2 source table
select
    (
        select pg_catalog.count(*)
        from pg_temp."sqlmig embedding_row" as wanted
        where wanted.relation = $1 and wanted.source = $2
    ) as rows,
    (
        select pg_catalog.count(distinct wanting.text_sha256)
        from pg_temp."sqlmig embedding_wanting" as wanting
        where wanting.relation = $1 and wanting.source = $2 and wanting.reason is null
    ) as texts
