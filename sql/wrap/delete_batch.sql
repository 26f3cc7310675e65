-- Deletes rows, each saved to the undo table as it was. $1 first row, $2 last row, $3 run id, $4 batch.
--
-- A row that changed since this statement's snapshot is not deleted (its xmin differs): then the counts do not add up, and
-- the batch is rolled back and tried again.
{%- from 'macros.sql' import incoming_and_existing, same %}
with {{ incoming_and_existing(select, columns, key, target, all_columns, distinct=true) }},

removed as (
    delete from {{ target }} as target
    using existing
    where {{ same(key, 'target', 'existing') }} and target.xmin = existing._xmin
    returning {{ all_columns | idents('existing') }}
),

saved as (
    insert into {{ undo }} (_run_id, _batch, _operation, {{ all_columns | idents }})
    select $3, $4, 'delete', {{ all_columns | idents('removed') }}
    from removed
    returning 1
)

select
    (select pg_catalog.count(*) from existing) as expected,
    (select pg_catalog.count(*) from existing) as incoming,
    (select pg_catalog.count(*) from removed) as existing,
    (select pg_catalog.count(*) from saved) as saved,
    (select pg_catalog.count(*) from removed) as changed,
    0::bigint as added,
    0::bigint as noted,
    $2::bigint - $1::bigint + 1 as range
