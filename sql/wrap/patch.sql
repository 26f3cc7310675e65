-- What the winners of a duplicate rule take from the rows merged into them: per winner and column the first value given.
create {{ kind }} {{ patch }} as
select distinct on (_winner_source, _winner_row)
    _winner_source as _source,
    _winner_row as _row
    {%- for column in merge %},
    pg_catalog.first_value({{ column | ident }}) over (
        partition by _winner_source, _winner_row
        order by {{ column | ident }} is null, _source, _row
    ) as {{ column | ident }}
    {%- endfor %}
from {{ result }}
