"""The round in five lines says the numbers that every other place says."""

import json

from curation.project import Project
from curation.report.summary import summary
from curation.review.project_queue import read_queue
from curation.review.queue_status import progress


def test_accuracy_is_that_of_the_metrics_file(project):
    """Not a share counted anew: the benchmark may hold classes that the model does not have."""
    line = summary(Project(project))[2]
    metrics = json.loads(Project(project).metrics.read_text())
    for name, facts in (("test", metrics["test"]), ("benchmark/frozen", metrics["benchmark"]["frozen"])):
        assert f"{facts['accuracy']:.3f} on {name} ({facts['images']} images)" in line


def test_counts_are_those_of_the_report(project, text):
    images, classes, _, review, pool = summary(Project(project))
    assert "300 files: 1 unreadable, 0 identical copies, 1 near-duplicates" in images
    assert "1 near-duplicates were found" in text
    assert classes.startswith("Classes 3 in the model")
    left = progress(read_queue(Project(project), 2_000))[-1]
    assert f"{left['left']} of {left['queued']} queued images" in review
    assert "4 unlabelled images were named" in pool
