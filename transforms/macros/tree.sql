{#- Documents from trees of documentation, docs/adding-a-document-type.md. A type's own file says what more is known of its
documents; what all types have in common is here. -#}

{#- The staged parts of files, with their JSON parsed: `about` is what their file says of itself (title, front matter …),
`data` what is known of the part. `doc_path` is the file, and behind a # the part where the file has several. -#}
{% macro parts(rows) %}
    select
        staged.*,
        path || coalesce('#' || anchor, '') as doc_path,
        {{ cast('about', 'jsonb') }} as about_file,
        {{ cast('data', 'jsonb') }} as about_part
    from {{ rows }} as staged
{% endmacro %}

{#- The documents of a relation that has what `parts` gives, and the columns doc_type and own: metadata of the type's
own, an object. -#}
{% macro documents(named) %}
select
    _row,
    sqlmig.name_uuid('documents', doc_type, source_name, doc_path) as id,
    doc_type,
    source_name,
    doc_path,
    text as content,
    jsonb_strip_nulls(jsonb_build_object(
        'file', path,
        'file_sha256', file_sha256,
        'format', format,
        'part', {{ cast('part', 'integer') }},
        'parts', {{ cast('parts', 'integer') }},
        'split', split,
        'kind', kind,
        'name', name,
        -- A page of print is named by its number, which is no title.
        'title', coalesce(case when kind <> 'page' then name end, about_file ->> 'title'),
        'headings', nullif({{ cast('headings', 'jsonb') }}, '[]'),
        'version', version,
        'front_matter', about_file -> 'front_matter',
        'images_left_out', nullif(about_file -> 'images_left_out', '0')
    ) || own) as metadata,
    null::vector as embedding,
    {{ cast('tokens', 'integer') }} as token_count,
    null::timestamptz as created_at,
    null::timestamptz as updated_at,
    decode(text_sha256, 'hex') as content_sha256,
    null::bytea as embedding_sha256,
    null::text as embedding_model
from {{ named | ident }}
{% endmacro %}

{#- One document per part of a file. Between `call` and `endcall` stands a SELECT from `part`, which has what `parts` gives: all
of it, and as `own` metadata of the type's own, an object. -#}
{% macro tree(rows, doc_type) %}
with part as (
{{ parts(rows) }}
),

named as (
    select
        described.*,
        {{ doc_type | literal }} as doc_type
    from (
{{ caller() }}
    ) as described
)

{{ documents('named') }}
{% endmacro %}
