"""One module a channel: each declares its features and how they are computed."""
