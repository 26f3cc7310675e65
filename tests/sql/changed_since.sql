-- Documents that are not as they are in the table `before`, each with its row in the staged source.
select staged._row as row, case when before.id is null then 'added' else 'changed' end as change
from public.documents as now
left join before on before.id = now.id
left join staging.documents as staged
    on staged.doc_type = now.doc_type and staged.source_name = now.source_name and staged.doc_path = now.doc_path
where before.id is null or before is distinct from now
