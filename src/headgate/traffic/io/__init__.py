"""The hands of the traffic store: DuckDB, Parquet files and the folders of segments."""
