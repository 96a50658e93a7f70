"""The guard before FiftyOne's App: only the reviewer's own browser, and only what a review needs, gets through."""
