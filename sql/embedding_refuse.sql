-- Says why texts are left without a vector. $1 run id, $2 SHA-256 of each text, $3 reason of each
update sqlmig.embedding_row as wanted
set reason = refused.reason
from unnest($2::bytea[], $3::text[]) as refused (text_sha256, reason)
where wanted.run_id = $1 and wanted.text_sha256 = refused.text_sha256
