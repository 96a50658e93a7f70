"""`curate unknowns` lists images without a label that the model can now name."""

from curation.cli.shared import pool_options as options
from curation.cli.shared.app import app
from curation.cli.shared.pool_options import Outputs, Source
from curation.cli.shared.spread import spread


@app.command()
@spread
def unknowns(
    *,
    min_conf: options.MinConf = 0.9,
    target_precision: options.TargetPrecision = None,
    max_ood_score: options.MaxOodScore = 0.95,
    of_class: options.OfClass = "",
    limit: options.Limit = 0,
    source: Source,
    to: Outputs,
) -> None:
    """List images without a label that the model is now sure of, surest first.

    Use it after each training: some images of the pool, or of the class `unknown`, have become easy to label.
    Images that look foreign (OOD score) are left out. No precision is stated for a pool that differs from val.

    Example: curate unknowns --min-conf 0.9 --class cat --limit 50
    """
    from curation.pool import questions

    answers = source.load().still_open()
    questions.check_class(of_class, answers.table, answers.classes)
    sure = answers.threshold(min_conf, target_precision)
    options.say_expected(answers, sure, max_ood_score)
    found = questions.unknowns(answers.table, sure, of_class, max_ood_score)
    options.say_classes(answers, sure, found)
    to.deliver(found, "unknowns", answers.model, limit=limit)
