--! summary: The staged content is, byte for byte, what the reader decoded
--! on: documents
--! severity: reject
select _row, 'content is not what was read: its SHA-256 changed on the way into staging' as reason
from {{ rows }} as documents
where sha256(convert_to(content, 'UTF8')) is distinct from content_sha256
