--! summary: The metadata of a document is a JSON object
--! on: documents
--! severity: reject
select _row, format('metadata is %s, not an object', coalesce('a JSON ' || jsonb_typeof(metadata), 'missing')) as reason
from {{ rows }} as documents
where jsonb_typeof(metadata) is distinct from 'object'
