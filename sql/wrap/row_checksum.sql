-- Rows of a staging table that are not, byte for byte, what the reader decoded. Rows of a retry have no digest: no reader
-- has read them.
select _row, 'the row is not what was read: it was changed after it was staged' as reason
from {{ staged }} as staged
where _digest <> {{ hash }}
