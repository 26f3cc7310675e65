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
    id integer NOT NULL,
    name character varying(255) NOT NULL,
    version character varying(50),
    last_updated timestamp without time zone DEFAULT CURRENT_TIMESTAMP,
    total_docs integer DEFAULT 0,
    total_tokens integer DEFAULT 0
);


ALTER TABLE public.crates OWNER TO postgres;

--
-- Name: crates_id_seq; Type: SEQUENCE; Schema: public; Owner: postgres
--

CREATE SEQUENCE public.crates_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER SEQUENCE public.crates_id_seq OWNER TO postgres;

--
-- Name: crates_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: postgres
--

ALTER SEQUENCE public.crates_id_seq OWNED BY public.crates.id;


--
-- Name: doc_embeddings; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.doc_embeddings (
    id integer NOT NULL,
    crate_name character varying(255) NOT NULL,
    doc_path text NOT NULL,
    content text NOT NULL,
    embedding public.vector(@dimensions@),
    token_count integer,
    created_at timestamp without time zone DEFAULT CURRENT_TIMESTAMP
);


ALTER TABLE public.doc_embeddings OWNER TO postgres;

--
-- Name: doc_embeddings_id_seq; Type: SEQUENCE; Schema: public; Owner: postgres
--

CREATE SEQUENCE public.doc_embeddings_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER SEQUENCE public.doc_embeddings_id_seq OWNER TO postgres;

--
-- Name: doc_embeddings_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: postgres
--

ALTER SEQUENCE public.doc_embeddings_id_seq OWNED BY public.doc_embeddings.id;


--
-- Name: crates id; Type: DEFAULT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.crates ALTER COLUMN id SET DEFAULT nextval('public.crates_id_seq'::regclass);


--
-- Name: doc_embeddings id; Type: DEFAULT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.doc_embeddings ALTER COLUMN id SET DEFAULT nextval('public.doc_embeddings_id_seq'::regclass);


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
-- Name: crates_id_seq; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.crates_id_seq', 1, false);


--
-- Name: doc_embeddings_id_seq; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.doc_embeddings_id_seq', 1, false);


--
-- Name: crates crates_name_key; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.crates
    ADD CONSTRAINT crates_name_key UNIQUE (name);


--
-- Name: crates crates_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.crates
    ADD CONSTRAINT crates_pkey PRIMARY KEY (id);


--
-- Name: doc_embeddings doc_embeddings_crate_name_doc_path_key; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.doc_embeddings
    ADD CONSTRAINT doc_embeddings_crate_name_doc_path_key UNIQUE (crate_name, doc_path);


--
-- Name: doc_embeddings doc_embeddings_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.doc_embeddings
    ADD CONSTRAINT doc_embeddings_pkey PRIMARY KEY (id);


--
-- Name: idx_doc_embeddings_crate_name; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX idx_doc_embeddings_crate_name ON public.doc_embeddings USING btree (crate_name);


--
-- PostgreSQL database dump complete
--

\unrestrict @token@

