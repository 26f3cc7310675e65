-- What proves a row: SHA-256 of the content (UTF-8) and of the embedding (pgvector's binary form, vector_send), and the
-- model that made the embedding. Null where they are not known: rows of an older database keep their lack until loaded.
alter table public.documents
    add column if not exists content_sha256 bytea,
    add column if not exists embedding_sha256 bytea,
    add column if not exists embedding_model text;

comment on column public.documents.content_sha256 is 'SHA-256 of content as UTF-8';
comment on column public.documents.embedding_sha256 is 'SHA-256 of vector_send(embedding)';
