-- $1 run id
insert into sqlmig.known_file (run_id, doc_type, source_name, path, sha256, decoded_by)
select $1::uuid, known.doc_type, known.source_name, known.path, known.sha256, known.decoded_by
from {{ known }} as known
where known.sha256 is not null
{% if embeds %}
    -- A project need not say it.
    and not coalesce((pg_catalog.to_jsonb(known) ->> 'without_embedding')::boolean, false)
{% endif %}
