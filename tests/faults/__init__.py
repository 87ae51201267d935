"""What users and machines do to a run."""
