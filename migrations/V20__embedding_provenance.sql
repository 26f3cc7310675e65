-- Where an embedding comes from: `source` for one that came with the dump, else the service that made it; and the SHA-256 of the text
-- that it was made of, so that one whose text has changed since is found without reading a vector. The model stands in
-- embedding_model; the dimensions are the column's. Null where they are not known, until the row is loaded again.
alter table public.documents
    add column if not exists embedding_provider text,
    add column if not exists embedding_text_sha256 bytea;

comment on column public.documents.embedding_provider is 'source, or the embeddings service that made it';
comment on column public.documents.embedding_text_sha256 is 'SHA-256 of the text (UTF-8) that the embedding was made of';
