-- Takes a session advisory lock if it is free. $1: class, $2: kind of lock.
select pg_catalog.pg_try_advisory_lock($1::int, $2::int) as taken, pg_catalog.pg_backend_pid() as pid;
