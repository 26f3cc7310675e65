-- Writes one batch: what is new is inserted, what differs is saved to the undo table and updated, the rest is not
-- touched. $1 first row, $2 last row, $3 run id, $4 batch.
--
-- Everyone else may go on writing to the target. A row that changed since this statement's snapshot is not updated (its
-- xmin differs), and one that was inserted since is not overwritten (do nothing): then the counts do not add up, and
-- the batch is rolled back and tried again.
--
-- Each undo row also keeps a hash of the row as the batch left it, so that a rollback knows a row that somebody changed
-- since.
{%- from 'macros.sql' import incoming_and_existing, noted, same %}
with {{ incoming_and_existing(select, columns, key, target, all_columns) }},

differing as materialized (
    select existing.*
    from existing
    join incoming on {{ same(key, 'incoming', 'existing') }}
    where {% if updated %}({% for column in updated %}existing.{{ column.name | ident }}{{ column.comparison }}{% if not loop.last %}, {% endif %}{% endfor %})
        is distinct from ({% for column in updated %}incoming.{{ column.name | ident }}{{ column.comparison }}{% if not loop.last %}, {% endif %}{% endfor %}){% else %}false{% endif %}
),

{% if updated %}
changed as (
    update {{ target }} as target
    set {% for column in updated %}{{ column.name | ident }} = incoming.{{ column.name | ident }}{% if not loop.last %}, {% endif %}{% endfor %}
    from differing
    join incoming on {{ same(key, 'incoming', 'differing') }}
    where {{ same(key, 'target', 'differing') }} and target.xmin = differing._xmin
    returning {{ row_hash }} as _after, {{ all_columns | idents('differing') }}
),

saved as (
    insert into {{ undo }} (_run_id, _batch, _operation, _after, {{ all_columns | idents }})
    select $3, $4, 'update', changed._after, {{ all_columns | idents('changed') }}
    from changed
    returning 1
),
{% endif %}
added as (
    insert into {{ target }} as target ({{ names | idents }})
    select {{ names | idents('incoming') }}
    from incoming
    where not exists (
        select from existing where {{ same(key, 'existing', 'incoming') }}
    )
    on conflict ({{ key | idents }}) do nothing
    returning {{ key | idents('target') }}, {{ row_hash }} as _after
),

{{ noted(undo, key) }}

select
    {% if rows %}(select pg_catalog.count(*) from ({{ rows }}) as expected){% else %}(select pg_catalog.count(*) from incoming){% endif %} as expected,
    (select pg_catalog.count(*) from incoming) as incoming,
    (select pg_catalog.count(*) from existing) as existing,
    (select pg_catalog.count(*) from differing) as saved,
    {% if updated %}(select pg_catalog.count(*) from saved){% else %}0::bigint{% endif %} as changed,
    (select pg_catalog.count(*) from added) as added,
    (select pg_catalog.count(*) from noted) as noted,
    $2::bigint - $1::bigint + 1 as range
