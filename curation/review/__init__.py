"""Review in FiftyOne: push the queue, decide in the App, and write the decisions to data/reviews.csv.

Only this room imports fiftyone, and only inside functions. Nothing that a reviewer does is stored in the database
alone. A decision is a row of reviews.csv, so the dataset can be deleted and pushed again at any time.
"""
