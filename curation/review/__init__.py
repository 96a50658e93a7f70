"""Review in FiftyOne: push the queue, decide in the App, bring the decisions back as rows of data/reviews.csv.

The only room that imports fiftyone, and only inside functions. Nothing that a reviewer does lives in the database
alone: a decision is a row of reviews.csv, and the dataset can be deleted and pushed again at any time.
"""
