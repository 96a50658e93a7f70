"""Stage review: push the queue to FiftyOne, and write a receipt. Run by `dvc repro review`.

The receipt says what there is to review. It is the same on every machine, so dvc.lock is the same too. It is not
cached, because DVC would restore a cached one and skip the push. A file in the cache of the project says whether
FiftyOne on this machine has the queue, and why not: FiftyOne is an optional extra, and the temporary copy of an
experiment pushes nothing. `curate review open` pushes whenever the dataset is older than the tables.
"""

import json
import sys

from curation.files import write_text
from curation.params import Params
from curation.project import Project
from curation.project.stage_main import stage_main
from curation.review.database import ReviewUnavailableError
from curation.review.project_queue import is_temporary, push_project, push_state, read_queue, receipt


@stage_main
def main() -> None:
    project = Project.find()
    params = project.params()
    found = receipt(params, read_queue(project, params.review))
    skipped = _push(project, params)
    if skipped:
        print(f"review: nothing pushed: {skipped}", file=sys.stderr)
    write_text(project.push_state, json.dumps(push_state(skipped), indent=2) + "\n")
    write_text(project.review_receipt, json.dumps(found, indent=2) + "\n")


def _push(project: Project, params: Params) -> str:
    """Push the queue, and say so; returns why nothing was pushed, "" when it was."""
    if is_temporary(project):
        return "a temporary copy for an experiment is gone when it ends"
    if params.review.push == "never":
        return "review.push is never"
    try:
        pushed, _ = push_project(project, params)
    except ReviewUnavailableError as error:
        if params.review.push == "always":
            raise
        return str(error)
    print(f"review: {pushed.samples} images in FiftyOne dataset `{pushed.dataset}`; see `curate review open`")
    return ""


if __name__ == "__main__":
    main()
