-- Puts the rows of a retry into their staging table, from the ledger's copy of them. A digest that the reader took is kept, and
-- taken again where its column was mended. $1 the retry's run id, $2 source table
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
    retry.row
    {%- for column in columns %},
    (retry.staged ->> {{ column.key | literal }}){{ column.cast }}
    {%- endfor %}
    {%- for digest in digests %},
    case
        when retry.staged ? {{ digest.name | literal }} then (retry.staged ->> {{ digest.name | literal }})::bytea
        {%- if digest.send %}
        else pg_catalog.sha256({{ digest.send }}((retry.staged ->> {{ digest.column.key | literal }}){{ digest.column.cast }}))
        {%- else %}
        else pg_catalog.sha256(pg_catalog.convert_to(retry.staged ->> {{ digest.column.key | literal }}, 'UTF8'))
        {%- endif %}
    end
    {%- endfor %}
from sqlmig.retry as retry
where retry.run_id = $1 and retry.source = $2
order by retry.row
