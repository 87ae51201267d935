"""The science code of morphoflow: typed functions of paths, arrays and plain values."""
