"""What a run needs, checked before its first job: files, columns, weights, disk, GPUs, contact."""
