select known.doc_type::text, known.source_name::text, known.path::text, known.sha256::text, known.decoded_by::text
from {{ known }} as known
where known.sha256 is not null
{% if embeds %}
    -- A project need not say it.
    and not coalesce((pg_catalog.to_jsonb(known) ->> 'without_embedding')::boolean, false)
{% endif %}
