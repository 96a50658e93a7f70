"""`curate unknowns`, `thin`, `staged`, `lookalikes`: what the model knows about the images that nobody named."""

from typing import TYPE_CHECKING

from curation.cli import pool_options as options
from curation.cli.app import app
from curation.cli.pool_options import Outputs, deliver, say_expected

if TYPE_CHECKING:
    from curation.identify.answers import Answers


@app.command()
def unknowns(
    *,
    min_conf: options.MinConf = 0.9,
    target_precision: options.TargetPrecision = None,
    of_class: options.OfClass = "",
    limit: options.Limit = 0,
    as_json: options.AsJson = False,
    csv: options.Csv = None,
    html: options.Html = None,
    push: options.Push = False,
    copy_to: options.CopyTo = None,
    table: options.Table = None,
    rev: options.Rev = "",
) -> None:
    """List what nobody could name, or nobody looked at, and the model now can, surest first.

    Example: curate unknowns --min-conf 0.9 --class cat --limit 50
    """
    from curation.identify import questions

    answers = _load(table, rev)
    questions.check_class(of_class, answers.table, answers.classes)
    sure = answers.threshold(min_conf, target_precision)
    say_expected(answers, sure)
    found = questions.unknowns(answers.table, sure, of_class)
    deliver(found, Outputs("unknowns", as_json, csv, html, push, copy_to, limit))


def _load(table: options.Table, rev: str) -> "Answers":
    from curation.identify.answers import load

    return load(table, rev)
