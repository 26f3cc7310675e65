-- What a proof on a final table found. The SELECT inside is the project's own.
select proven.row::text as subject, proven.reason::text as reason
from (
{{ select }}) as proven
