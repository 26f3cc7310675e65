-- Where the server keeps its data, for a client that came over a unix socket and so is on the same machine, and a role that may know
select setting.setting as folder
from pg_catalog.pg_settings as setting
where setting.name = 'data_directory' and pg_catalog.inet_client_addr() is null
