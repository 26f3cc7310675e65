-- $1 run id, $2 kinds, $3 counts
insert into sqlmig.source_statement (run_id, kind, count)
select $1, statement.kind, statement.count
from unnest($2::text[], $3::bigint[]) as statement (kind, count)
on conflict (run_id, kind) do update set count = excluded.count
