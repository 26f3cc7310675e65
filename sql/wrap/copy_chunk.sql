copy {{ table }} ({{ columns | idents }}) from stdin (format binary)
