-- Deletes rows, each saved to the undo table as it was. $1 first row, $2 last row, $3 run id, $4 batch.
--
-- A row that changed since this statement's snapshot is not deleted (its xmin differs): then the counts do not add up, and
-- the batch is rolled back and tried again.
with incoming as materialized (
    select distinct
        {% for column in columns %}{{ column.expression }} as {{ column.name | ident }}{% if not loop.last %},
        {% endif %}{% endfor %}
    from (
{{ select }}) as selected
),

existing as materialized (
    select target.xmin as _xmin, {{ all_columns | idents('target') }}
    from {{ target }} as target
    where exists (
        select from incoming where {% for column in key %}incoming.{{ column | ident }} = target.{{ column | ident }}{% if not loop.last %} and {% endif %}{% endfor %}
    )
),

removed as (
    delete from {{ target }} as target
    using existing
    where {% for column in key %}target.{{ column | ident }} = existing.{{ column | ident }} and {% endfor %}target.xmin = existing._xmin
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
