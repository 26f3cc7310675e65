--! summary: The content of a document is not blank
--! on: documents
--! severity: reject
select _row, 'content is empty' as reason
from {{ rows }} as documents
where content !~ '[^[:space:]]'
