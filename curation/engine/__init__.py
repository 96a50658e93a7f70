"""Run a function over many items in one or several processes, and show the progress."""
