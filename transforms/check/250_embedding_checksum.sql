--! summary: The staged embedding is, byte for byte, what the reader decoded
--! on: documents
--! severity: reject
select _row, 'embedding is not what was read: its SHA-256 changed on the way into staging' as reason
from {{ rows }} as documents
where sha256(vector_send(embedding)) is distinct from embedding_sha256
