"""The FiftyOne plugin in Python: its operators, its panel, and its installation."""
