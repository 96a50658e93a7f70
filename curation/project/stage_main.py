"""The start of every stage: compare the behaviour versions, then run, and turn an error into one message."""

import functools
from collections.abc import Callable

from curation.errors import fail_cleanly
from curation.project import behaviour_versions


def stage_main(main: Callable[[], None]) -> Callable[[], None]:
    """Wrap the `main` of a stage. BehaviourError is raised before it starts when library and project differ."""

    @functools.wraps(main)
    def run() -> None:
        behaviour_versions.check()
        main()

    return fail_cleanly(run)
