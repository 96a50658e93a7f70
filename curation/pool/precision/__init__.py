"""What precision is stated for proposals from the pool: as measured on val, and as audited."""
