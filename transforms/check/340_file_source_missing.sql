--! summary: A file belongs to a source that this run accepted or the target has
--! on: files
--! severity: reject
{% from 'sources.sql' import without_source %}
select files._row, format('there is no source %s of type %s', files.source_name, files.doc_type) as reason
from {{ rows }} as files
where {{ without_source('files') }}
