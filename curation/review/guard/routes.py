"""Which routes of FiftyOne's server a review needs; every other one is refused.

The list was read off what the App asks for while a queue is reviewed: its page, its scripts, the plugin of this
package, the pictures, the samples of the dataset, tags, saved views, and the embeddings panel. What stays out is what
reads or writes other datasets, samples, files and labels by other ways than the decisions: editing samples, ontologies,
screenshots, the execution store, and everything that future versions add.
"""

import re
from collections.abc import Mapping
from urllib.parse import quote

PLUGIN = "@curation/review/"
READ_ONLY_OPERATORS = frozenset({"@voxel51/operators/get_label_schemas", "@voxel51/operators/list_workspaces"})
MEDIA = "/media"
GRAPHQL = "/graphql"
STATUS = "/fiftyone"  # the version of FiftyOne; the parent process waits for it without a token
EVENTS = "/events"

PAGES = re.compile(r"(/datasets)?/(assets/[\w.-]+|favicon\.ico|[\w-]+\.(png|svg|wasm|woff2?|json|js|css))")
PLUGIN_FILES = "/plugins/curation-review/dist/index.umd.js"
OPERATORS = frozenset({"/operators/execute", "/operators/resolve-type", "/operators/resolve-execution-options"})
POSTS = frozenset(
    {
        EVENTS,
        GRAPHQL,
        *OPERATORS,
        "/operators",
        "/operators/resolve-placements",
        "/sort",
        "/tag",
        "/tagging",
        "/values",
        "/embeddings/plot",
        "/embeddings/selection",
        "/embeddings/extended-stage",
        "/embeddings/color-by-choices",
        *(f"/embeddings/v2/{name}" for name in ("runs-status", "run-info", "geometry", "ids", "color", "masks")),
        "/embeddings/v2/lasso-stage",
        "/embeddings/v2/sample-info",
    }
)


def is_needed(method: str, path: str, dataset: str) -> bool:
    """Whether a review of this dataset asks for this route. `path` is decoded, without the query."""
    if method == "POST":
        return path in POSTS
    if method not in ("GET", "HEAD"):
        return False
    if path in (MEDIA, STATUS, "/plugins", PLUGIN_FILES, home(dataset), f"/datasets/{dataset}"):
        return True
    return ".." not in path and PAGES.fullmatch(path) is not None


def home(dataset: str) -> str:
    """Return the path of the page of a dataset, as it stands in an address."""
    return f"/datasets/{quote(dataset, safe='')}"


def operator_allowed(asked: Mapping[str, object]) -> bool:
    """Whether the App may run the operator of a request: those of the plugin, and two of FiftyOne's that only read."""
    uri = asked.get("operator_uri")
    return isinstance(uri, str) and (uri.startswith(PLUGIN) or uri in READ_ONLY_OPERATORS)
