"""Words (说法): stable codes as a clerk reads them, one table for terminal, pages, reports and claims.

One noun a file. JSON, database and files keep the codes; a code without words stays as it is.
"""
