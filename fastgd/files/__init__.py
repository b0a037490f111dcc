"""Files that fastgd reads and writes: saved models, CSV tables, output paths."""
