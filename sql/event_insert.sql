-- $1 run id, $2 kind, $3 messages, in order
insert into sqlmig.event (run_id, kind, message)
select $1, $2, said.message
from pg_catalog.unnest($3::text[]) with ordinality as said (message, ordinal)
order by said.ordinal
