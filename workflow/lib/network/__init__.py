"""The network that stages 3, 4 and 7 share."""
