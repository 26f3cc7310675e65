--! summary: The token count of a document is possible for its content
--! on: documents
--! severity: reject
-- Bounds that no byte-level BPE tokenizer can leave: a token is at least one byte, and the longest in OpenAI's
-- cl100k_base and o200k_base vocabularies (runs of spaces) are 128 bytes. One token of slack, for estimates that were
-- rounded down.
select
    _row,
    format('token_count %s is not possible for %s bytes of content', token_count, octet_length(content)) as reason
from {{ rows }} as documents
where token_count < 0
    or (
        content ~ '[^[:space:]]'
        and octet_length(content) not between token_count and (token_count::bigint + 1) * 128
    )
