-- What a check found, in the order of the source, so that two runs keep and show the same rows. The SELECT inside is
-- the project's own.
select checked._row::bigint as row, checked.reason::text as reason
from (
{{ select }}) as checked
order by 1, 2
