-- From now on rows are staged. $1 run id
insert into sqlmig.canary (run_id)
values ($1)
on conflict do nothing
