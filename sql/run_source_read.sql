-- $1 run id, $2 SHA-256 of the source's bytes as stored, $3 their number, $4 whether the source came to its proper end
update sqlmig.run
set source_sha256 = $2, source_bytes = $3, complete = $4
where id = $1
