-- pgvector holds the embeddings. Creating it here, apart from the tables, makes a missing extension or a missing right to
-- create it fail before any table exists.
create extension if not exists vector;
