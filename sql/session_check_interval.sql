-- A server process whose client is gone stops within 2 seconds, rather than at the end of its statement.
-- Not all platforms of the server can do this; the failure is of no consequence.
set client_connection_check_interval = '2s';
