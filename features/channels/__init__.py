"""One module per channel, with its features and how they are computed."""
