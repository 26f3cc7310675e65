--! summary: An embedding has the dimensions of the target's column
--! on: documents
--! severity: reject
select _row, format('embedding has %s dimensions, not %s', vector_dims(embedding), {{ vars.dimensions }}) as reason
from {{ rows }} as documents
where vector_dims(embedding) <> {{ vars.dimensions }}
