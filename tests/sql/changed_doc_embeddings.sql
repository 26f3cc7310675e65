-- Rows of the dump, apart from those in $1, whose final row is not as they were staged: changed, or not there.
select staged._row as row
from staging.doc_embeddings as staged
left join public.documents as final
    on final.doc_type = 'rust' and final.source_name = staged.crate_name and final.doc_path = staged.doc_path
where staged._row <> all ($1::bigint[])
    and (staged.content, staged.id, staged.embedding, staged.token_count::integer, staged.created_at::timestamptz)
    is distinct from (
        final.content, final.metadata ->> 'original_id', final.embedding, final.token_count, final.created_at
    )
order by staged._row
