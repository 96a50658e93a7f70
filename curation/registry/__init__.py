"""Production models: promote, roll back, list versions, write the model card."""
