--! summary: A document was created before it was updated
--! on: documents
--! severity: reject
select _row, format('created_at %s is after updated_at %s', created_at, updated_at) as reason
from {{ rows }} as documents
where created_at > updated_at
