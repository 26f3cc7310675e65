-- How many other clients are connected to the server.
select count(*)
from pg_catalog.pg_stat_activity as a
where a.backend_type = 'client backend' and a.pid <> pg_catalog.pg_backend_pid();
