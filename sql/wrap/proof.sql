-- What a proof on a final table found, in an order of its own. The SELECT inside is the project's own.
select proven.row::text as subject, proven.reason::text as reason
from (
{{ select }}) as proven
order by 1, 2
