-- Which of these texts the ledger has a vector of. $1 SHA-256 of each text, $2 provider, $3 model, $4 dimensions
select embedding.text_sha256
from sqlmig.embedding as embedding
where embedding.text_sha256 = any ($1::bytea[])
    and embedding.provider = $2
    and embedding.model = $3
    and embedding.dimensions = $4
