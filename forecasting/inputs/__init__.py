"""From a configuration to data: opening, reading and checking what a user gives."""
