-- What a check finds in a trial; what it rejects is taken out. $1 run id, $2 source table, $3 check
with found as materialized (
{{ select }}),

taken as (
    insert into {{ quarantine }} (run_id, source, row, check_name)
    select distinct $1::uuid, $2::text, found.row, $3::text
    from found
    where {{ reject }}
    on conflict (run_id, source, row) do nothing
    returning 1
)

select (select pg_catalog.count(*) from found) as found, (select pg_catalog.count(*) from taken) as taken
