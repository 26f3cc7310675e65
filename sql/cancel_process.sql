-- Cancels what server process $1 is at
select pg_catalog.pg_cancel_backend($1)
