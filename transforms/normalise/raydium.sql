--! summary: Raydium's documentation: one document per part of a page or operation of its API
--! from: parts.raydium
--! into: documents
{% from 'protocol.sql' import protocol %}
{{ protocol(rows, 'raydium', 'solana') }}
