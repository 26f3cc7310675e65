-- Which database this is, wherever it is reached: its name, its number on the server, and the server's own identifier,
-- which a copy of the database does not share.
select pg_catalog.format('%s (%s on server %s)', database.datname, database.oid, control.system_identifier) as target
from pg_catalog.pg_database as database
cross join pg_catalog.pg_control_system() as control
where database.datname = pg_catalog.current_database()
