-- Rows and digest of a staging table, to be held against the reader's. The digest of a row chains PostgreSQL's own
-- 64-bit hash (hash partitioning depends on it, so it cannot change between versions) through its columns, the last
-- one first; a null is an empty text with another seed; the table's digest is the sum, which no order of rows changes.
select pg_catalog.count(*) as rows, coalesce(pg_catalog.sum(hashed.digest), 0)::text as digest
from (
    select
        {% for column in columns -%}
        pg_catalog.hashtextextended(coalesce(
            {%- if column.send %}pg_catalog.encode({{ column.send }}({{ column.name | ident }}), 'hex')
            {%- else %}{{ column.name | ident }}{% endif %}, '') collate "C", ({{ column.name | ident }} is null)::integer::bigint # (
        {% endfor -%}
        0::bigint
        {%- for column in columns %})){% endfor %} as digest
    from {{ table }}
) as hashed
