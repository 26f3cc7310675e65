--! summary: No picture of a document was left out of its text
--! on: documents
--! severity: warn
-- What a notebook shows and what is written into Markdown as base64 is no text. Each file says so once, at its first
-- part.
select _row, format('%s: pictures left out: %s', metadata ->> 'file', metadata ->> 'images_left_out') as reason
from {{ rows }} as documents
where metadata ? 'images_left_out' and metadata ->> 'part' = '1'
