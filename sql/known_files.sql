-- $1 run id
select doc_type, source_name, path, sha256, decoded_by
from sqlmig.known_file
where run_id = $1
