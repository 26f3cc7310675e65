-- The rows of the target that a batch would delete, and how wide they are. Writes nothing. $1 first row, $2 last row
{%- from 'macros.sql' import incoming_and_existing %}
with {{ incoming_and_existing(select, columns, key, target, all_columns, distinct=true) }}

select
    pg_catalog.count(*) as expected,
    pg_catalog.count(*) as incoming,
    pg_catalog.count(*) as existing,
    0::bigint as differing,
    0::bigint as bytes_written,
    coalesce(pg_catalog.sum({% for column in all_columns %}coalesce(pg_catalog.pg_column_size(existing.{{ column | ident }}), 0){% if not loop.last %} + {% endif %}{% endfor %}), 0)::bigint as bytes_replaced
from existing
where $1::bigint <= $2::bigint
