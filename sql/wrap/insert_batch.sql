-- Writes one batch of which the target is taken to have no row yet: all are inserted, without a look at what is there. A
-- third less than promote_batch.sql costs where rows are short. $1 first row, $2 last row, $3 run id, $4 batch.
--
-- Where the target has one of the keys after all, its unique index refuses the statement: nothing of it stays, and the
-- batch is written by promote_batch.sql.
{%- from 'macros.sql' import noted, selected %}
with incoming as (
{{ selected(select, columns) }}
),

added as (
    insert into {{ target }} as target ({{ names | idents }})
    select {{ names | idents('incoming') }}
    from incoming
    returning {{ key | idents('target') }}, {{ row_hash }} as _after
),

{{ noted(undo, key) }}

select
    (select pg_catalog.count(*) from ({{ rows }}) as expected) as expected,
    (select pg_catalog.count(*) from added) as incoming,
    0::bigint as existing,
    0::bigint as saved,
    0::bigint as changed,
    (select pg_catalog.count(*) from added) as added,
    (select pg_catalog.count(*) from noted) as noted,
    $2::bigint - $1::bigint + 1 as range
