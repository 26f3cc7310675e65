-- Some rows of a table with their vectors and texts, always the same as long as the table is. $1 how many
select
    sample.{{ vector | ident }}::real[] as vector,
    sample.{{ text | ident }}::text as text,
    sample.ctid::text as row
from (
    select final.ctid, final.{{ vector | ident }}, final.{{ text | ident }}
    from {{ table }} as final
    where final.{{ vector | ident }} is not null
    order by pg_catalog.md5(final.ctid::text)
    limit $1
) as sample
