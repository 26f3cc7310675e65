--! summary: A source was created before it was updated
--! on: document_sources
--! severity: reject
select _row, format('created_at %s is after updated_at %s', created_at, updated_at) as reason
from {{ rows }} as sources
where created_at > updated_at
