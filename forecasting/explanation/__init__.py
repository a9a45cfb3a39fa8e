"""What forecasts are made of: totals, channels, features, and how steady they are."""
