-- pgvector holds the embeddings. Created apart from the tables, a missing extension or a missing right to create it
-- fails before any table exists.
create extension if not exists vector;
