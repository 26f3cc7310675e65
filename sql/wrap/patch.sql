-- What the winners of a duplicate rule take from the rows merged into them: per winner and column the first value given.
create table {{ patch }} as
select
    _winner_source as _source,
    _winner_row as _row
    {%- for column in merge %},
    (pg_catalog.array_agg({{ column | ident }} order by _source, _row) filter (where {{ column | ident }} is not null))[1] as {{ column | ident }}
    {%- endfor %}
from {{ result }}
group by _winner_source, _winner_row
