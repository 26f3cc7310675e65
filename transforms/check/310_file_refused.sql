--! summary: A file of a tree could be read and decoded
--! on: files
--! severity: reject
-- Not UTF-8, broken, larger than allowed, a link out of the tree … each with its reason.
select _row, path || ': ' || error as reason
from {{ rows }} as files
where error is not null
