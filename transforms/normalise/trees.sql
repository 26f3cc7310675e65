--! summary: Trees of documentation as they were read; one row per tree
--! from: public.file_sources
--! into: trees
select
    _row,
    doc_type,
    source_name,
    {{ cast('files', 'bigint') }} as files,
    {{ cast('files_left_out', 'bigint') }} as files_left_out,
    {{ cast('prune', 'boolean') }} as prune
from {{ rows }} as staged
