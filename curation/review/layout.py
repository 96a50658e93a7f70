"""The first layout of the App: the fields that a reviewer needs to decide are open, and all others are folded.

It is set only when the dataset has no layout yet, so that the reviewer's own arrangement of the sidebar stays.
"""

from typing import Any

GROUPS = {
    "review": ["ground_truth", "prediction", "suggestion", "decision", "kind", "split"],
    "cluster": ["cluster", "explanation", "representative", "rank", "gain", "label_error"],
    "image": ["subclass", "origin", "blur", "brightness", "contrast", "confidence", "margin", "entropy"],
}
SHOWN = ["ground_truth", "prediction", "suggestion", "decision"]


def arrange(fo: Any, dataset: Any) -> None:
    """Group the fields of the sidebar and choose those that are shown on the images."""
    if dataset.app_config.sidebar_groups is not None:
        return
    schema = dataset.get_field_schema()
    named = {path for paths in GROUPS.values() for path in paths}
    made = [
        fo.SidebarGroupDocument(name="tags"),
        *(
            fo.SidebarGroupDocument(name=name, paths=[p for p in paths if p in schema])
            for name, paths in GROUPS.items()
        ),
        fo.SidebarGroupDocument(name="other", paths=_rest(dataset, schema, named), expanded=False),
    ]
    dataset.app_config.sidebar_groups = [group for group in made if group.name == "tags" or group.paths]
    dataset.app_config.active_fields = fo.ActiveFields(paths=[path for path in SHOWN if path in schema])
    dataset.save()


def _rest(dataset: Any, schema: dict[str, Any], named: set[str]) -> list[str]:
    sizes = [path for path in dataset.get_field_schema(flat=True) if path.startswith("metadata.")]
    return [path for path in schema if path not in named and path not in {"tags", "metadata"}] + sizes
