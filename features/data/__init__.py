"""What a run knows: the panel, indicators, attributes of pairs and sectors, input-output tables."""
