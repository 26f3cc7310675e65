--! summary: Guides to writing good Rust: one document per part of a chapter
--! from: parts.rust_best_practices
--! into: documents
{% from 'tree.sql' import tree %}
{% call tree(rows, 'rust_best_practices') %}
select
    part.*,
    jsonb_build_object(
        -- The chapter: the outermost heading, else the file's name.
        'topic', coalesce(
            about_file ->> 'title',
            regexp_replace(regexp_replace(path, '^.*/', ''), '[.][a-z]+$', '')
        )
    ) as own
from part
{% endcall %}
