--! summary: The column of embeddings holds vectors of the project's dimensions and no others
--! on: public.documents
--! severity: error
-- Read from the catalogue: PostgreSQL holds every row to the column's type, so no vector has to be read again.
select
    'column embedding' as row,
    format('is %s, not a vector of %s dimensions', format_type(atttypid, atttypmod), {{ vars.dimensions }}) as reason
from pg_attribute
where attrelid = 'public.documents'::regclass and attname = 'embedding' and atttypmod <> {{ vars.dimensions }}
