-- Rows of an example, laid out as the reader would have: _row counts them, and a digest is the column's SHA-256 unless
-- the example gives another. $1 the rows, a JSON array of objects with texts
insert into {{ table }} (
    _row
    {%- for column in columns %},
    {{ column.name | ident }}
    {%- endfor %}
    {%- for digest in digests %},
    {{ digest.name | ident }}
    {%- endfor %}
)
select
    given.ordinal
    {%- for column in columns %},
    (given.row ->> {{ column.name | literal }}){{ column.cast }}
    {%- endfor %}
    {%- for digest in digests %},
    case
        when given.row ? {{ digest.name | literal }} then (given.row ->> {{ digest.name | literal }})::bytea
        {%- if digest.send %}
        else pg_catalog.sha256({{ digest.send }}((given.row ->> {{ digest.column.name | literal }}){{ digest.column.cast }}))
        {%- else %}
        else pg_catalog.sha256(pg_catalog.convert_to(given.row ->> {{ digest.column.name | literal }}, 'UTF8'))
        {%- endif %}
    end
    {%- endfor %}
from pg_catalog.jsonb_array_elements($1::jsonb) with ordinality as given (row, ordinal)
