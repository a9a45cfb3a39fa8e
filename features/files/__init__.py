"""How a file becomes a table of text or numbers: CSV, Parquet, Excel, compressed or not."""
