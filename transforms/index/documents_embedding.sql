--! summary: The nearest documents by cosine distance
--! on: public.documents
-- pgvector indexes a vector of up to 2,000 dimensions, and a halfvec of up to 4,000: a search must use the same cast.
using hnsw ((embedding::halfvec({{ vars.dimensions }})) halfvec_cosine_ops)
