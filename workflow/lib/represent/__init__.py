"""Stage 4: representations, PCA and umap."""
