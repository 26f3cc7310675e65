drop database if exists {{ name | ident }} with (force)
