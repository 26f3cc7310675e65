-- The rows that a duplicate rule found, and what goes into the rows they are merged into. LOGGED, unlike the staging
-- tables: it holds decisions, and after a crash it could not be told from an empty one.
create {{ kind }} {{ result }} as
select
    duplicates._source::text as _source,
    duplicates._row::bigint as _row,
    duplicates._winner_source::text as _winner_source,
    duplicates._winner_row::bigint as _winner_row
    {%- for column in merge %},
    duplicates.{{ column | ident }}
    {%- endfor %}
from (
{{ select }}) as duplicates
