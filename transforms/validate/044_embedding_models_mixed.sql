--! summary: All embeddings are by one model
--! on: public.documents
--! severity: warn
-- Vectors of two models mean nothing to each other, and a search finds by chance what is in the other space.
select
    embedding_model as row,
    format('%s documents have their embedding by this model, others by another', count(*)) as reason
from public.documents
where embedding is not null and embedding_model is not null
group by embedding_model
having count(*) < (select count(*) from public.documents where embedding is not null and embedding_model is not null)
