--! summary: Files of trees of documentation; one row per file
--! from: public.files
--! into: files
-- `state` is read, unchanged (the target has it as it is, and it was not decoded) or refused.
select
    _row,
    doc_type,
    source_name,
    path,
    format,
    {{ cast('size_bytes', 'bigint') }} as size_bytes,
    decode(sha256, 'hex') as sha256,
    state,
    decode(text_sha256, 'hex') as text_sha256,
    {{ cast('parts', 'integer') }} as parts,
    decoded_by,
    error
from {{ rows }} as staged
