-- How this session is connected
select
    current_user::text as role,
    pg_catalog.inet_client_addr() is null as local,
    encryption.version as protocol,
    coalesce(encryption.cipher, '') as cipher
from (select pg_catalog.pg_backend_pid() as pid) as own
left join pg_catalog.pg_stat_ssl as encryption on encryption.pid = own.pid and encryption.ssl
