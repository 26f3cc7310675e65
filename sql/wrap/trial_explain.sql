-- Which tables a SELECT reads; it is planned, and not run
explain (format json, verbose)
{{ select }}
