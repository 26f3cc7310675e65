pg_catalog.jsonb_build_object({% for column in key %}{{ column | literal }}, image.{{ column | ident }}{% if not loop.last %}, {% endif %}{% endfor %})
