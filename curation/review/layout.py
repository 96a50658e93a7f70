"""The first layout of the App: the fields that a reviewer needs to decide are open, and all others are folded.

It is set only when the dataset has no layout yet, so that the reviewer's own arrangement of the sidebar stays. The same
holds for the colours of the tags. They are those of Okabe and Ito, which people with colour blindness tell apart, and
`legend` says in the App what each of them means.
"""

from typing import Any

GROUPS = {
    "review": ["ground_truth", "prediction", "suggestion", "decision", "pair_decision", "kind", "split"],
    "cluster": ["cluster", "explanation", "representative", "rank", "gain", "label_error"],
    "image": ["subclass", "origin", "blur", "brightness", "contrast", "confidence", "margin", "entropy"],
}
TAGS = {  # field: the name of its colour, the colour, what the tag says; they are the fields shown on the images
    "ground_truth": ("blue", "#0072b2", "the label"),
    "prediction": ("orange", "#e69f00", "what the model answers"),
    "suggestion": ("green", "#009e73", "the label that `a` accepts"),
    "decision": ("pink", "#cc79a7", "what was decided"),
}


def legend() -> str:
    """Return in one line of Markdown what the colours of the tags mean."""
    return "Tags: " + " · ".join(f"{colour} is {meaning} (`{name}`)" for name, (colour, _, meaning) in TAGS.items())


def arrange(fo: Any, dataset: Any) -> None:
    """Group the fields of the sidebar, choose those that are shown on the images, and give these colours a legend."""
    if dataset.app_config.color_scheme is None:
        colours = [{"path": name, "fieldColor": colour} for name, (_, colour, _) in TAGS.items()]
        dataset.app_config.color_scheme = fo.ColorScheme(color_by="field", fields=colours)
        dataset.save()
    if not dataset.description:
        dataset.description = legend()
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
    dataset.app_config.active_fields = fo.ActiveFields(paths=[path for path in TAGS if path in schema])
    dataset.save()


def _rest(dataset: Any, schema: dict[str, Any], named: set[str]) -> list[str]:
    sizes = [path for path in dataset.get_field_schema(flat=True) if path.startswith("metadata.")]
    return [path for path in schema if path not in named and path not in {"tags", "metadata"}] + sizes
