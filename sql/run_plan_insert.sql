-- Records the plan that a run follows, once. $1 run id, $2 SHA-256 of the plan's file, $3 what was planned
insert into sqlmig.run_plan (run_id, plan_sha256, planned)
values ($1, $2, $3)
on conflict (run_id) do nothing
