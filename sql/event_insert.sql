-- $1 run id, $2 kind, $3 message
insert into sqlmig.event (run_id, kind, message)
values ($1, $2, $3)
