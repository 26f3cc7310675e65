-- Rows of the dump, apart from those in $1, whose final row is not as they were staged: changed, or not there.
select staged._row as row
from staging.documents as staged
left join public.documents as final on final.id::text = staged.id
where staged._row <> all ($1::bigint[])
    and (
        staged.doc_type, staged.source_name, staged.doc_path, staged.content, staged.metadata::jsonb, staged.embedding,
        staged.token_count::integer, staged.created_at::timestamptz, staged.updated_at::timestamptz
    ) is distinct from (
        final.doc_type, final.source_name, final.doc_path, final.content, final.metadata, final.embedding,
        final.token_count, final.created_at, final.updated_at
    )
order by staged._row
