"""What tests are made of: one place for made pictures, tables, models and projects."""
