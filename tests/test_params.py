"""params.yaml: every wrong key, type or range is one clear error that names the key."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.params import Params, ParamsError, load, read
from curation.params.loading import parse

SHIPPED = Path(__file__).parents[1] / "params.yaml"


def test_the_shipped_file_states_every_key_with_its_default():
    from ruamel.yaml import YAML

    written = YAML(typ="safe", pure=True).load(SHIPPED.read_text())
    shipped = load(SHIPPED)
    assert set(written) == set(Params.model_fields)
    for name, value in written.items():
        if hasattr(getattr(shipped, name), "model_fields_set"):
            assert set(value) == set(type(getattr(shipped, name)).model_fields), name


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"lr": "foo"}, "lr"),
        ({"lr": 0}, "lr"),
        ({"lr": float("nan")}, "lr"),
        ({"epochs": 2.5}, "epochs"),
        ({"epochs": True}, "epochs"),
        ({"batch_size": -1}, "batch_size"),
        ({"cutoff": {"min": 0}}, "cutoff.min"),
        ({"cutoff": {"minimum": 3}}, "cutoff.minimum"),
        ({"dedupe": {"hash": "md5"}}, "dedupe.hash"),
        ({"split": {"val": 1.5}}, "split.val"),
        ({"learning_rate": 0.1}, "learning_rate"),
        ({"classes": {"merge": {"a": 1}}}, "classes.merge.a"),
        ({"throwaway": "yes"}, "throwaway"),
        ({"ingest": {"background": "whit"}}, "ingest.background"),
        ({"ingest": {"background": "fff"}}, "ingest.background"),
    ],
)
def test_a_wrong_value_is_one_error_that_names_the_key(values, key):
    with pytest.raises(ParamsError, match=f"`{key}`"):
        parse(values)


@pytest.mark.parametrize(("written", "value"), [("1e-05", 1e-5), ("1e-3", 1e-3), ("0.00001", 1e-5), ("1", 1.0)])
def test_numbers_are_read_as_dvc_writes_them(tmp_path, written, value):
    file = tmp_path / "params.yaml"
    file.write_text(f"lr: {written}\n")
    assert load(file).lr == value


@pytest.mark.parametrize("text", ["lr: [", "- 1\n- 2\n", "just text"])
def test_a_file_that_is_no_mapping_is_a_clear_error(tmp_path, text):
    file = tmp_path / "params.yaml"
    file.write_text(text)
    with pytest.raises(ParamsError, match=r"params\.yaml"):
        load(file)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("classes: {merge: {7: seven}}", "the key 7 in `classes.merge.7`"),
        ("classes: {merge: {seven: 7}}", "`classes.merge.seven`, 7,"),
        ("cutoff: {classes: {2024: {min: 5}}}", "the key 2024 in `cutoff.classes.2024`"),
        ("classes: {merge: {true: seven}}", "the key True"),
    ],
)
def test_a_number_in_the_place_of_text_says_that_it_needs_quotes(tmp_path, text, named):
    file = tmp_path / "params.yaml"
    file.write_text(text)
    with pytest.raises(ParamsError, match="in quotes") as caught:
        load(file)
    assert named in str(caught.value)


@pytest.mark.parametrize("size", [0, 1])
def test_a_batch_of_one_image_is_refused_before_torch_is(size):
    with pytest.raises(ParamsError, match=f"`batch_size` is {size}: .*greater than or equal to 2"):
        parse({"batch_size": size})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("# only a comment\n", "is empty"),
        ('lr: 0.1\n"a\\nb": 3', r"`a\nb` is not a known key"),
        ('"a\\nb": 3\n"a\\nb": 4', r"the key `a\nb` stands twice"),
        ("- a\n", "expected lines such as"),
        ("lr: 1\nlr: 2\n", "line 2: the key `lr` stands twice"),
        ("cutof: {min: 5}", "did you mean `cutoff`?"),
        ("cutoff: {mini: 5}", "did you mean `cutoff.min`?"),
        ("min: 5", "did you mean `cutoff.min`?"),
        ("cutoff: {classes: {dog: {maxi: 5}}}", "did you mean `cutoff.classes.dog.max`?"),
        ("split: {val: 0.5, test: 0.5}", "`split`: val + test + benchmark leave nothing to train on"),
        ("ingest: {background: whit}", "`ingest.background` is 'whit': not a colour"),
        ("train: {device: gpu}", "write auto, cpu, cuda, or cuda:1"),
        ("tune: {space: {lr: 3}}", "`tune.space.lr` is 3: expected a block of keys or a list"),
        ("tune: {space: {lr: {low: 1}}}", "params.yaml: `tune.space.lr.high` is missing"),
        ("cutoff:", "`cutoff` is empty: expected a block of keys"),
        ("\tlr: 1", "with spaces, not with tabs"),
    ],
)
def test_a_message_says_what_was_found_and_what_was_expected(text, told):
    with pytest.raises(ParamsError) as caught:
        read(text)
    assert told in str(caught.value)
    assert "value error" not in str(caught.value).lower()
    assert "\n" not in str(caught.value)


@given(
    st.sampled_from([*Params.model_fields]), st.recursive(st.integers() | st.text(max_size=3), st.lists, max_leaves=3)
)
def test_no_value_of_any_key_brings_pydantics_own_words_or_more_than_one_line(key, value):
    message = said_of({key: value})
    assert message is None or re.match(rf"params\.yaml: .*`{key}", message)
    assert not re.search(r"input should|value error|valid (dict|list|int)|instance of|\n", (message or "").lower())


def test_a_missing_file_says_where_to_run(tmp_path):
    with pytest.raises(ParamsError, match="settings of the project"):
        load(tmp_path / "params.yaml")


@given(
    st.dictionaries(
        st.text(max_size=8), st.one_of(st.none(), st.integers(), st.text(max_size=5), st.floats()), max_size=4
    )
)
def test_no_dictionary_makes_anything_but_params_or_a_params_error(values):
    message = said_of(values)
    assert message is None or message.startswith("params.yaml: `")


def said_of(values):
    """What parse() has against these values, or None."""
    try:
        assert isinstance(parse(values), Params)
    except ParamsError as error:
        return str(error)
    return None
