-- What a check found. $1 to $n: none. The SELECT inside is the project's own.
select checked._row::bigint as row, checked.reason::text as reason
from (
{{ select }}) as checked
