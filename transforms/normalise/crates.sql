--! summary: Sources of documents from the older rust_docs_vectors database; one row per crate
--! from: public.crates
--! into: document_sources
-- That database knew Rust crates only and gave them no uuid: the id is derived from the key, so that every load of the
-- same crate makes the same id. It kept one time per crate.
select
    _row,
    case when name is not null then sqlmig.name_uuid('document_sources', 'rust', name) end as id,
    'rust' as doc_type,
    name as source_name,
    version,
    jsonb_build_object(
        'docs_rs_url', 'https://docs.rs/' || name || '/' || coalesce(version, 'latest'),
        'migrated_from', 'rust_docs_vectors'
    ) as config,
    true as enabled,
    {{ cast('last_updated', 'timestamptz') }} as last_updated,
    {{ cast('total_docs', 'integer') }} as total_docs,
    {{ cast('total_tokens', 'integer') }} as total_tokens,
    {{ cast('last_updated', 'timestamptz') }} as created_at,
    {{ cast('last_updated', 'timestamptz') }} as updated_at
from {{ rows }} as staged
