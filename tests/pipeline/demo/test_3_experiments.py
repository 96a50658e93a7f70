"""DVC experiments work from the root of a project, in place, queued, and in a temporary copy."""

import pytest
from moving import wait_while_it_moves

pytestmark = pytest.mark.pipeline


def test_a_wrong_value_is_one_message_and_no_traceback(demo):
    out = demo.run("dvc", "exp", "run", "-S", "lr=foo", code=255)
    assert "`lr` is 'foo'" in out
    assert "Traceback" not in out
    demo.run("git", "checkout", "-q", "--", "params.yaml", "dvc.lock")
    demo.run("dvc", "checkout", "-q")


@pytest.fixture(scope="module")
def apart(demo):
    """What git said before and after an experiment in a temporary copy."""
    before = demo.run("git", "status", "--short")
    out = demo.run("dvc", "exp", "run", "--temp", "-n", "apart", "-S", "lr=1e-05", "-S", "epochs=1", "evaluate")
    assert "Ran experiment" in out
    return before, demo.run("git", "status", "--short")


def test_an_experiment_in_a_temporary_copy_leaves_the_workspace_alone(demo, apart):
    before, after = apart
    assert after == before
    shown = demo.run("dvc", "exp", "show", "--csv", "--no-pager")
    assert "apart" in shown


def test_queued_experiments_run(demo):
    demo.run("dvc", "exp", "run", "--queue", "-S", "lr=0.01,0.1", "-S", "epochs=1", "evaluate")
    demo.run("dvc", "queue", "start")
    status = wait_while_it_moves(
        lambda: demo.run("dvc", "queue", "status"),
        lambda said: "Queued" not in said and "Running" not in said,
        demo.root / ".dvc/tmp/exps",
    )
    assert status.count("Success") == 2, status


def test_metrics_differ_between_experiments(demo, apart):
    changed = demo.json("dvc", "metrics", "diff", "--json", "HEAD", "apart")
    loss = changed["reports/summary.json"]["test.log_loss"]
    assert loss["old"] != loss["new"]
    assert loss["diff"] == pytest.approx(loss["new"] - loss["old"])
