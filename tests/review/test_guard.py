"""The guard alone: what passes, and what a page of another site, another user or another dataset is refused."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.review.guard import routes
from curation.review.guard.access import Access, Caller, Verdict, without_token
from curation.review.guard.bodies import STAGES, BodyError, check, parse
from curation.review.guard.middleware import Guard
from curation.review.guard.queries import narrowed

TOKEN = "t" * 32
ACCESS = Access.of(["127.0.0.1", "localhost"], 5151, TOKEN)
HOST = {"host": ["127.0.0.1:5151"]}
COOKIE = {"cookie": [f"other=1; curation-5151={TOKEN}"]}
NAME, ID = "digits", "0123456789abcdef01234567"


def verdict(method="GET", query="", **headers):
    return ACCESS.verdict(Caller(method, query, {name.replace("_", "-"): [text] for name, text in headers.items()}))


def own(**more):
    return {"host": "127.0.0.1:5151", "cookie": COOKIE["cookie"][0], **more}


def test_the_printed_address_signs_in_and_the_cookie_passes_from_then_on():
    assert verdict(query=f"view=to-review&token={TOKEN}", host="localhost:5151") is Verdict.SIGN_IN
    assert without_token(f"view=a%20b&token={TOKEN}&id=") == "view=a+b&id="
    assert verdict(**own()) is Verdict.PASS
    assert verdict("POST", **own(origin="http://127.0.0.1:5151", sec_fetch_site="same-origin")) is Verdict.PASS


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "evil.example:5151"},
        {"host": "127.0.0.1:5152"},
        {"host": "127.0.0.1"},
        {"host": "127.0.0.1:5151.evil.example"},
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:8000"},
        {"origin": "https://127.0.0.1:5151"},
        {"origin": "null"},
        {"host": "localhost:5151", "origin": "http://127.0.0.1:5151"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"cookie": f"curation-5152={TOKEN}"},
        {"cookie": "curation-5151="},
        {"cookie": f"curation-5151={TOKEN}x"},
    ],
)
def test_a_request_of_another_page_host_or_session_is_refused(headers):
    asked = {**own(), **headers} if headers else {}
    assert verdict("POST", **asked) is Verdict.REFUSE


@given(st.text(max_size=40))
def test_no_other_token_signs_in(text):
    if text != TOKEN:
        assert verdict(query=f"token={text}", host="127.0.0.1:5151") is Verdict.REFUSE


@pytest.mark.parametrize("more", [{"sec_fetch_dest": "iframe"}, {"sec_fetch_mode": "cors"}, {"origin": "http://a.b"}])
def test_a_frame_or_a_script_of_another_site_can_not_sign_in_with_a_token_that_leaked(more):
    asked = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document", **more}
    assert verdict(query=f"token={TOKEN}", host="127.0.0.1:5151", **asked) is Verdict.REFUSE


def test_two_hosts_in_one_request_are_refused():
    asked = {**HOST, **COOKIE, "host": ["127.0.0.1:5151", "evil.example"]}
    assert ACCESS.verdict(Caller("GET", "", asked)) is Verdict.REFUSE


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/datasets/digits"),
        ("GET", "/datasets/assets/index-CpOt-w2i.js"),
        ("GET", "/favicon.ico"),
        ("GET", "/plugins/curation-review/dist/index.umd.js"),
        ("HEAD", "/media"),
        ("POST", "/graphql"),
        ("POST", "/tag"),
    ],
)
def test_a_review_may_ask_for(method, path):
    assert routes.is_needed(method, path, NAME)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/datasets/other"),
        ("GET", "/graphql"),
        ("GET", "/plugins/other/dist/index.umd.js"),
        ("GET", "/plugins/curation-review/../secret.js"),
        ("GET", "/assets/../server.py"),
        ("PATCH", f"/dataset/{ID}/sample/{ID}"),
        ("POST", "/event"),
        ("POST", "/aggregate"),
        ("POST", "/operators/subscribe-execution-store"),
        ("POST", "/ontologies"),
        ("DELETE", "/graphql"),
        ("OPTIONS", "/operators/execute"),
        ("POST", "/a-route-of-a-later-version"),
    ],
)
def test_a_review_may_not_ask_for(method, path):
    assert not routes.is_needed(method, path, NAME)


def stage(name, *kwargs):
    return {"_cls": name, "kwargs": [list(one) for one in kwargs]}


def nested(value, depth):
    return value if depth == 0 else {"a": [nested(value, depth - 1)]}


FORBIDDEN = [
    {"dataset": "other"},
    {"datasetName": "other"},
    {"dataset_name": ["digits", "other"]},
    {"datasetId": "f" * 24},
    {"view": [stage("subprocess.Popen", ("args", "id"))]},
    {"view": [stage("fiftyone.core.stages.Mongo", ("pipeline", []))]},
    {"view": [stage("fiftyone.core.stages.Concat", ("samples", "other"))]},
    {"view": [stage("fiftyone.core.stages.Match", ("filter", {"$where": "1"}))]},
    {"view": [stage("fiftyone.core.stages.Match", ("filter", {"$expr": {"$function": {"body": "f"}}}))]},
    {"extended": {"fiftyone.core.stages.Mongo": {}}},
    {"filters": {"a": {"$lookup": {}}}},
    {"_cls": 5},
]


@pytest.mark.parametrize("body", FORBIDDEN)
@given(depth=st.integers(0, 8))
def test_no_body_names_another_dataset_or_runs_code_at_any_depth(body, depth):
    with pytest.raises(BodyError):
        check(nested(body, depth), NAME, ID)


@given(depth=st.integers(0, 8), name=st.sampled_from(sorted(STAGES)))
def test_the_stages_of_the_menus_pass_at_any_depth(depth, name):
    passes = {"dataset": NAME, "datasetId": ID, "view": [stage(name, ("filter", {"label": {"$in": ["a"]}}))]}
    check(nested(passes, depth), NAME, ID)


@pytest.mark.parametrize("body", [b"", b"[]", b"5", b"\xff", b'{"a":1,"a":2}', b"{" * 5000, b"[" * 200_000])
def test_a_body_that_can_be_read_in_two_ways_or_not_at_all_is_refused(body):
    with pytest.raises(BodyError):
        parse(body)


def test_a_body_that_is_nested_without_end_is_refused():
    with pytest.raises(BodyError):
        check(nested({}, 50), NAME, ID)


def ask(query, **variables):
    return narrowed({"query": query, "variables": variables}, NAME, ID)


def test_the_search_for_datasets_finds_the_reviewed_one_alone():
    query = """query Q($find: String = "", $name: String!) { ...Nav dataset(name: $name) { name } }
               fragment Nav on Query { datasets(search: $find, first: 10) { edges { node { name } } } }"""
    assert ask(query, find="other", name=NAME)["variables"] == {"find": "^digits$", "name": NAME}
    assert ask(query, name=NAME)["variables"]["find"] == "^digits$"


@pytest.mark.parametrize(
    "query",
    [
        '{ datasets(search: "") { edges { node { name } } } }',
        "{ datasets(first: 5) { edges { node { name } } } }",
        '{ dataset(name: "other") { name } }',
        '{ a: dataset(name: "other") { name } }',
        'query Q($n: String! = "other") { dataset(name: $n) { name } }',
        '{ samples(dataset: "other", view: []) { __typename } }',
        '{ samples(dataset: "digits", view: [{_cls: "os.system", kwargs: []}]) { __typename } }',
        '{ aggregations(form: {dataset: "other"}) { __typename } }',
        "{ teamsSubmission }",
        "mutation { storeTeamsSubmission }",
        "mutation { deleteDataset }",
        "subscription { uid }",
        "{ ... on Query { node(id: 1) { id } } }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
        "{ ...Missing }",
        "query A { uid } query B { uid }",
        "type Query { a: String }",
        "{",
        "{ uid " * 30_000,
    ],
)
def test_no_graphql_reaches_another_dataset_or_another_field(query):
    with pytest.raises(BodyError):
        ask(query)


class Served:
    """A dataset that shows one file."""

    name, id = NAME, ID

    async def shows(self, path):
        return path == "/project/data/raw/a.png"


def request(method, path, query="", body=b"", **headers):
    """The status, the headers and the body of an answer, and whether FiftyOne's server saw the request."""
    seen, sent = [], []

    async def app(scope, receive, send):
        message = await receive()
        seen.append((scope, message["body"]))
        headers = [(b"content-type", b"text/plain"), (b"cross-origin-resource-policy", b"cross-origin")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"inside"})

    async def receive():
        return {"type": "http.request", "body": body}

    async def send(message):
        sent.append(message)

    lines = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": lines}
    asyncio.run(Guard(app, ACCESS, Served())(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"], seen


def test_every_answer_forbids_frames_and_reading_by_other_sites():
    for query, extra in [("", {}), (f"token={TOKEN}", {}), ("", {"cookie": COOKIE["cookie"][0]})]:
        _, headers, _, _ = request("GET", "/datasets/digits", query, host="127.0.0.1:5151", **extra)
        assert headers[b"x-frame-options"] == b"DENY"
        assert headers[b"cross-origin-resource-policy"] == b"same-origin"
        assert headers[b"referrer-policy"] == b"no-referrer"


def test_signing_in_takes_the_token_out_of_the_address():
    status, headers, page, seen = request("GET", "/", f"token={TOKEN}&view=%22%3E%3Cb", host="127.0.0.1:5151")
    assert (status, seen) == (200, [])
    assert headers[b"set-cookie"].endswith(b"; HttpOnly; SameSite=Strict; Path=/")
    assert b"url=/datasets/digits?view=%22%3E%3Cb" in page
    assert TOKEN.encode() not in page


def test_only_images_of_the_dataset_are_served():
    for query, status in [
        ("filepath=/project/data/raw/a.png", 200),
        ("filepath=/etc/passwd", 403),
        ("filepath=/project/data/raw/../raw/a.png", 403),
        ("filepath=/project/data/raw/a.png&filepath=/etc/passwd", 403),
        ("", 403),
    ]:
        assert request("GET", "/media", query, **own())[0] == status


def test_what_is_passed_on_is_what_was_checked():
    query = "query Q($search: String) { datasets(search: $search) { total } }"
    body = json.dumps({"query": query, "variables": {"search": ""}}).encode()
    status, _, _, seen = request("POST", "/graphql", "", body, content_type="application/json", **own())
    ((scope, passed),) = seen
    assert status == 200
    assert json.loads(passed)["variables"] == {"search": "^digits$"}
    assert (b"content-length", str(len(passed)).encode()) in scope["headers"]


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/graphql", b'{"query": "{ uid }"}', "text/plain"),
        ("/operators/execute", b'{"operator_uri": "@voxel51/operators/list_files"}', "application/json"),
        ("/operators/execute", b"{}", "application/json"),
        ("/operators/resolve-type", b'{"operator_uri": "@voxel51/io/export"}', "application/json"),
        ("/events", b'{"initializer": "other"}', "text/plain"),
        ("/tag", b'{"dataset": "other"}', "application/json"),
        ("/tag", b'{"dataset": "' + b"a" * 17_000_000 + b'"}', "application/json"),
    ],
)
def test_a_body_that_a_review_does_not_send_never_reaches_fiftyone(path, body, kind):
    status, _, _, seen = request("POST", path, "", body, content_type=kind, **own())
    assert (status, seen) == (403, [])
