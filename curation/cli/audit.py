"""`curate audit unknowns` measures on a random sample how many of the proposals are right."""

from typing import TYPE_CHECKING, Annotated

import typer

from curation.cli.shared import pool_options as options
from curation.cli.shared.app import CurateGroup, app
from curation.cli.shared.output import note, show
from curation.cli.shared.pool_options import Outputs, Source
from curation.cli.shared.spread import spread

if TYPE_CHECKING:
    from curation.pool.answers import Answers
    from curation.pool.precision.audits import Audit

Count = Annotated[int, typer.Option("-n", "--n", "--count", help="How many proposals to draw.", min=1)]
Seed = Annotated[int, typer.Option(help="Another seed draws another sample.", min=0)]
Result = Annotated[bool, typer.Option("--result", help="Draw nothing; print what the decisions say, and store it.")]

audit = typer.Typer(cls=CurateGroup, help="Measure on a random sample how many proposals are right.")
app.add_typer(audit, name="audit")


@audit.command("unknowns")
@spread
def audit_unknowns(
    *,
    count: Count = 60,
    min_conf: options.MinConf = 0.9,
    max_ood_score: options.MaxOodScore = 0.95,
    of_class: options.OfClass = "",
    seed: Seed = 0,
    result: Result = False,
    source: Source,
    to: Outputs,
) -> None:
    """Draw proposals of `curate unknowns` at random, to label them and so to bound the share that is right.

    Look at every image and decide on it; do not use `--rest-as predicted` here. The bound needs no assumption: with 60
    images and none wrong, at least 95 % of all proposals are right. The sample and the result are in data/audits.json.

    Example: curate audit unknowns --n 60 --csv audit.csv --push; curate label accept audit.csv --pull audit;
    curate audit unknowns --result
    """
    from curation.pool import questions
    from curation.pool.precision import audits

    answers = source.load()
    if result:
        _result(answers, min_conf, to)
        return
    questions.check_class(of_class, answers.table, answers.classes)
    proposals = questions.unknowns(answers.still_open().table, min_conf, of_class, max_ood_score)
    start = audits.Audit(answers.model, min_conf, of_class, seed, max_ood_score, 0, {})
    before = next((one for one in audits.read(answers.project.audits) if one.key == start.key), None)
    if before:
        rows = answers.table[answers.table.image_id.isin(list(before.drawn))].reset_index(drop=True)
        note(f"this sample was drawn before; --result says what came of it, --seed {seed + 1} draws another one")
    else:
        drawn, rows = audits.sample(proposals, count, start)
        with answers.project.lock("audits"):
            audits.put(answers.project.audits, drawn)
        path = answers.project.shown(answers.project.audits)
        note(f"{len(rows)} of {len(proposals):,} proposals drawn; recorded in {path}")
    to.deliver(rows, "audit", answers.model)


def _result(answers: "Answers", min_conf: float, to: Outputs) -> None:
    from curation.decisions.log import read_reviews
    from curation.pool.precision import audits

    path, reviews = answers.project.audits, read_reviews(answers.project.reviews)
    found = [audits.counted(one, reviews) for one in audits.of_model(audits.read(path), answers.model, min_conf)]
    if not found:
        raise audits.AuditError(f"no audit of this model at confidence >= {min_conf:g}: draw a sample without --result")
    for one in found:
        with answers.project.lock("audits"):
            audits.put(path, one)
        note(str(one))
    show([_row(one) for one in found], as_json=to.as_json, csv=to.csv, title="audits")


def _row(one: "Audit") -> dict[str, object]:
    facts = {"min_conf": one.min_conf, "class": one.of_class, "seed": one.seed, "proposals": one.proposals}
    return facts | {"drawn": len(one.drawn), "decided": one.decided, "right": one.right, "at_least": round(one.low, 4)}
