"""Connectors to public sources: download and conversion."""
