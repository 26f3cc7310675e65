-- What was done to the rows of a key, by run and batch. $1 the key's values
select _run_id as run_id, _batch as number, _operation as operation
from {{ undo }}
where array[{% for column in key %}{{ column | ident }}::text{% if not loop.last %}, {% endif %}{% endfor %}] = $1::text[]
order by _run_id, _batch
