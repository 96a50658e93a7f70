"""The log of what people decided (data/reviews.csv), and the one way in which every reader folds it."""
