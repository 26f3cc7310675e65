-- The rows of a trial that would be left without a vector: no text, or none in the ledger and no service to ask ($5); taken out
-- where the project says so ($6). $1 run id, $2 relation, $3 source table, $4 transform
with unembedded as (
    select wanted.row
    from {{ embedding_row }} as wanted
    where wanted.relation = $2 and wanted.source = $3 and wanted.reason is not null
    union
    select wanting.row
    from pg_temp."sqlmig embedding_wanting" as wanting
    where wanting.relation = $2 and wanting.source = $3 and $5::boolean
),

taken as (
    insert into {{ quarantine }} (run_id, source, row, check_name)
    select $1::uuid, $3, unembedded.row, $4::text
    from unembedded
    where $6::boolean
    on conflict (run_id, source, row) do nothing
    returning 1
)

select (select pg_catalog.count(*) from unembedded) as left_without, (select pg_catalog.count(*) from taken) as taken
