--
-- PostgreSQL database dump
--

\restrict @token@

-- Dumped from database version 16.14
-- Dumped by pg_dump version 16.14

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: vector; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;


--
-- Name: EXTENSION vector; Type: COMMENT; Schema: -; Owner: 
--

COMMENT ON EXTENSION vector IS 'vector data type and ivfflat and hnsw access methods';


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: crates; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.crates (
    id integer,
    name text,
    version text,
    last_updated timestamp without time zone,
    total_docs integer,
    total_tokens integer
);


ALTER TABLE public.crates OWNER TO postgres;

--
-- Name: doc_embeddings; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.doc_embeddings (
    id integer,
    crate_name text,
    doc_path text,
    content text,
    embedding public.vector,
    token_count integer,
    created_at timestamp without time zone
);


ALTER TABLE public.doc_embeddings OWNER TO postgres;

--
-- Data for Name: crates; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.crates (id, name, version, last_updated, total_docs, total_tokens) FROM stdin;
@crates@
\.


--
-- Data for Name: doc_embeddings; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.doc_embeddings (id, crate_name, doc_path, content, embedding, token_count, created_at) FROM stdin;
@doc_embeddings@
\.


--
-- PostgreSQL database dump complete
--

\unrestrict @token@

