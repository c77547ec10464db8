"""Files and frames in, files out: delimited text, Parquet, folders of media; whole or not at all."""
