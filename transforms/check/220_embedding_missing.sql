--! summary: A document has an embedding
--! on: documents
--! severity: warn
select _row, 'embedding is missing: the document cannot be found by search' as reason
from {{ rows }} as documents
where embedding is null
