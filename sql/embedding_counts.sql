-- Rows of a run that want a vector, by relation and source table: those that have one that this run fetched, one that the ledger had,
-- and none. $1 run id
select
    wanted.relation,
    wanted.source,
    pg_catalog.count(*) as wanted,
    pg_catalog.count(*) filter (where embedding.run_id = $1) as fetched,
    pg_catalog.count(*) filter (where embedding.text_sha256 is not null and embedding.run_id is distinct from $1) as known,
    pg_catalog.count(*) filter (where embedding.text_sha256 is null) as missing
from sqlmig.embedding_row as wanted
left join sqlmig.embedding as embedding using (text_sha256, provider, model, dimensions)
where wanted.run_id = $1
group by wanted.relation, wanted.source
order by wanted.relation, wanted.source
