"""How fast the workflow is, beside what a user would pick instead and beside the limit."""
