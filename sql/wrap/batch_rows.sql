-- The clean rows of one batch. $1 first row, $2 last row
select clean.*
from ({{ clean }}) as clean
where clean._source = {{ source | literal }}
    and clean._row between $1::bigint and $2::bigint
