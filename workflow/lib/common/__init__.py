"""What all stages use: errors, logs, atomic files, tables, images and seeds from names."""
