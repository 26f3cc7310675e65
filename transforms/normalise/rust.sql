--! summary: Rust crates from their source, rustdoc's JSON or its HTML: one document per item, module or page
--! from: parts.rust
--! into: documents
-- The item's path begins with the crate: rustdoc's own paths do, those read from source get it here. A page of rustdoc's
-- says its item in its title, "Visitor in serde::de - Rust".
{% from 'tree.sql' import tree %}
{% call tree(rows, 'rust') %}
with titled as (
    select
        part.*,
        case
            when about_file ->> 'generator' = 'rustdoc'
            then regexp_match(about_file ->> 'title', '^(?:(\S+) in )?(\S+) - Rust$')
        end as page
    from part
)

select
    titled.*,
    jsonb_build_object(
        'crate_name', source_name,
        'item', case
            when page is not null then concat_ws('::', page[2], page[1])
            when format = 'rustdoc_json' then about_part ->> 'item'
            when about_part ->> 'item' = 'crate' then replace(source_name, '-', '_')
            -- A macro read from source has its sign of exclamation.
            else replace(source_name, '-', '_') || '::' || rtrim(about_part ->> 'item', '!')
        end,
        'item_kind', about_part ->> 'item_kind',
        'docs_rs_url', 'https://docs.rs/' || source_name || '/' || coalesce(version, 'latest')
    ) as own
from titled
{% endcall %}
