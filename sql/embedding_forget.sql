-- Forgets which rows of a run want a vector; the vectors stay. $1 run id
delete from sqlmig.embedding_row
where run_id = $1
