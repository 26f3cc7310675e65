--! summary: An embedding is not the zero vector
--! on: documents
--! severity: reject
-- Cosine distance to a zero vector is NaN: no search would find the document, or every search would.
select _row, 'embedding is the zero vector' as reason
from {{ rows }} as documents
where vector_norm(embedding) = 0
