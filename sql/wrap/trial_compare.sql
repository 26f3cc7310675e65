-- What a batch would do to the target: rows that it has not, rows that differ, and how wide they are. Writes nothing.
-- $1 first row, $2 last row
{%- from 'macros.sql' import same, selected %}
with incoming as materialized (
{{ selected(select, columns) }}
),

judged as (
    select
        target.tableoid is not null as known,
        target.tableoid is not null and {% if updated %}({% for column in updated %}target.{{ column.name | ident }}{{ column.comparison }}{% if not loop.last %}, {% endif %}{% endfor %})
            is distinct from ({% for column in updated %}incoming.{{ column.name | ident }}{{ column.comparison }}{% if not loop.last %}, {% endif %}{% endfor %}){% else %}false{% endif %} as differs,
        {% for column in names %}coalesce(pg_catalog.pg_column_size(incoming.{{ column | ident }}), 0){% if not loop.last %} + {% endif %}{% endfor %} as width,
        {% for column in all_columns %}coalesce(pg_catalog.pg_column_size(target.{{ column | ident }}), 0){% if not loop.last %} + {% endif %}{% endfor %} as width_now
    from incoming
    left join {{ target }} as target on {{ same(key, 'incoming', 'target') }}
)

select
    {% if rows %}(select pg_catalog.count(*) from ({{ rows }}) as expected){% else %}(select pg_catalog.count(*) from incoming){% endif %} as expected,
    (select pg_catalog.count(*) from incoming) as incoming,
    pg_catalog.count(*) filter (where judged.known) as existing,
    pg_catalog.count(*) filter (where judged.differs) as differing,
    coalesce(pg_catalog.sum(judged.width) filter (where judged.differs or not judged.known), 0)::bigint as bytes_written,
    coalesce(pg_catalog.sum(judged.width_now) filter (where judged.differs), 0)::bigint as bytes_replaced
from judged
where $1::bigint <= $2::bigint
