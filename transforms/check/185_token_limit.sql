--! summary: A document is no longer than the model takes
--! on: documents
--! severity: warn
-- By the document's own count. What is to be embedded is counted again before it is sent.
select _row, format('has %s tokens, and the model takes %s: split it', token_count, {{ vars.token_limit }}) as reason
from {{ rows }} as documents
where token_count > {{ vars.token_limit }}
