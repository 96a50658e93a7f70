"""The review queue: which images a person should look at, in which order, and in which clusters."""
