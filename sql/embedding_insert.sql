-- Keeps a vector that was paid for. $1 SHA-256 of the text, $2 provider, $3 model, $4 dimensions, $5 vector, $6 input tokens, $7 run id
insert into sqlmig.embedding (text_sha256, provider, model, dimensions, embedding, input_tokens, run_id)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (text_sha256, provider, model, dimensions) do nothing
