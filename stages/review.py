"""Stage review: push the queue to FiftyOne, and leave a receipt.

The receipt is not cached: DVC would restore a cached one and skip the push. Where nothing can be pushed (FiftyOne
is an optional extra) or should be (the temporary copy of an experiment), the receipt says so, and `curate review open`
pushes whenever the dataset is behind the tables. Run by `dvc repro review`.
"""

import json
import sys

from curation.project import Project
from curation.project.stage_main import stage_main
from curation.review.database import ReviewUnavailableError
from curation.review.project_queue import is_temporary, push_project, receipt


@stage_main
def main() -> None:
    project = Project.find()
    params, out = project.params(), project.review_receipt
    frame, reason = None, ""
    if is_temporary(project):
        reason = "a temporary copy for an experiment is gone when it ends"
    elif params.review.push == "never":
        reason = "review.push is never"
    else:
        try:
            pushed, frame = push_project(project, params)
            print(f"review: {pushed.samples} images in FiftyOne dataset `{pushed.dataset}`; see `curate review open`")
        except ReviewUnavailableError as error:
            if params.review.push == "always":
                raise
            reason = str(error)
    if reason:
        print(f"review: nothing pushed: {reason}", file=sys.stderr)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(receipt(params, frame, reason), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
