"""The pages of all rooms, from one set of templates: the report of a round, copies, questions to the pool, summaries.

Each page is a module of its own. None is imported here, so that a stage which only writes its figure starts quickly.
"""
