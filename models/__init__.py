"""What learns and predicts."""
