"""The rehearsal: the paper's configuration on drawn tables of the real size (see README.md)."""
