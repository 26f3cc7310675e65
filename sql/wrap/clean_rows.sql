-- The clean rows of one source table.
select clean.*
from ({{ clean }}) as clean
where clean._source = {{ source | literal }}
