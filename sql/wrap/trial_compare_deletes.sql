-- The rows of the target that a batch would delete, and how wide they are. Writes nothing. $1 first row, $2 last row
with incoming as materialized (
    select distinct
        {% for column in columns %}{{ column.expression }} as {{ column.name | ident }}{% if not loop.last %},
        {% endif %}{% endfor %}
    from (
{{ select }}) as selected
),

existing as (
    select
        {% for column in all_columns %}coalesce(pg_catalog.pg_column_size(target.{{ column | ident }}), 0){% if not loop.last %} + {% endif %}{% endfor %} as width_now
    from {{ target }} as target
    where exists (
        select from incoming where {% for column in key %}incoming.{{ column | ident }} = target.{{ column | ident }}{% if not loop.last %} and {% endif %}{% endfor %}
    )
)

select
    pg_catalog.count(*) as expected,
    pg_catalog.count(*) as incoming,
    pg_catalog.count(*) as existing,
    0::bigint as differing,
    0::bigint as bytes_written,
    coalesce(pg_catalog.sum(existing.width_now), 0)::bigint as bytes_replaced
from existing
where $1::bigint <= $2::bigint
