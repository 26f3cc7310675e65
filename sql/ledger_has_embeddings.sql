-- Whether the ledger is new enough to be asked for embeddings
select pg_catalog.to_regclass('sqlmig.embedding_row') is not null as has_embeddings
