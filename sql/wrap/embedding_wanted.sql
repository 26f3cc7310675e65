-- Records which rows of one source table want a vector, and a digest of each text. A text without a letter is no text to send.
-- $1 run id, $2 relation, $3 source table, $4 provider, $5 model, $6 dimensions (null where no model is known)
insert into {{ embedding_row }} (run_id, relation, source, row, text_sha256, provider, model, dimensions, reason)
select
    $1, $2, $3, wanted._row,
    pg_catalog.sha256(pg_catalog.convert_to(coalesce(wanted.text, ''), 'UTF8')),
    $4, $5, $6,
    case when coalesce(wanted.text, '') !~ '[^[:space:]]' then 'there is no text to embed' end
from (
{{ select }}) as wanted
