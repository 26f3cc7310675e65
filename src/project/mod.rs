//! A project: its settings, its transforms with their headers, and how a template becomes SQL.
