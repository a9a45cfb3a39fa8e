"""Reading files and frames as tables: CSV, Parquet, Excel, text numbers."""
