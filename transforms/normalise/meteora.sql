--! summary: Meteora's documentation: one document per part of a page or operation of its API
--! from: parts.meteora
--! into: documents
{% from 'protocol.sql' import protocol %}
{{ protocol(rows, 'meteora', 'solana') }}
