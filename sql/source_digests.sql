-- What the reader read of each source table, and the digest of it that the server was held to. $1 run id
select source, rows_read, bytes_read, digest::text as digest
from sqlmig.source_table
where run_id = $1
order by ordinal
