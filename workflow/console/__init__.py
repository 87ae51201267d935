"""What a person sees in the terminal: how far a run is, and its results at the end."""
