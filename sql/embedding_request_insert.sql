-- Keeps what was asked of the service. $1 run id, $2 provider, $3 model, $4 dimensions, $5 texts, $6 vectors, $7 tokens,
-- $8 price per million tokens or null, $9 milliseconds
insert into sqlmig.embedding_request (run_id, provider, model, dimensions, texts, vectors, tokens, price, elapsed_ms)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
