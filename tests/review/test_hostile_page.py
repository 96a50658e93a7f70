"""A page of somebody else in the reviewer's own browser, which is signed in to the running review.

It tries to write, delete, read a file, list datasets and open connections: from another port of this machine (which
browsers count as the same site and send cookies from), from another site, and by a name that was rebound to this
machine (`evil.example`). At the end the review's own page sends the same requests, and they work.
"""

import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from factories.review_project import make_project

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium: apt-get install chromium"),
]
REPOSITORY = Path(__file__).parents[2]

ATTACKS = """async ({base, host, file, body, token}) => {
    const seen = {};
    const note = async (name, act) => {
        try {
            const read = act();
            seen[name] = await Promise.race([read, new Promise((done) => setTimeout(() => done('nothing'), 4000))]);
        } catch (error) { seen[name] = 'refused'; }
    };
    const answer = async (promise) => {
        const got = await promise;
        return got.type === 'opaque' || !got.ok ? 'refused' : 'READ ' + (await got.text()).slice(0, 80);
    };
    const element = (tag, facts) => new Promise((done) => {
        const one = document.createElement(tag);
        one.onload = () => done('LOADED'); one.onerror = () => done('refused'); one.onloadeddata = one.onload;
        Object.assign(one, facts); document.body.append(one);
    });
    const post = (path, kind, more) => fetch(base + path, {
        method: 'POST', body, headers: {'content-type': kind}, credentials: 'include', ...more});
    const graphql = (query) => fetch(base + '/graphql', {method: 'POST', credentials: 'include',
        headers: {'content-type': 'application/json'}, body: JSON.stringify({query})});
    await note('write, no-cors', () => answer(post('/operators/execute', 'text/plain', {mode: 'no-cors'})));
    await note('write, cors, JSON', () => answer(post('/operators/execute', 'application/json', {})));
    await note('write, cors, text', () => answer(post('/operators/execute', 'text/plain', {})));
    await note('write, tag', () => answer(post('/tag', 'text/plain', {mode: 'no-cors'})));
    await note('write, beacon', () => { navigator.sendBeacon(base + '/operators/execute', body); return 'sent'; });
    await note('write, keepalive', () => answer(post('/operators/execute', 'text/plain',
        {mode: 'no-cors', keepalive: true})));
    await note('write, form', () => new Promise((done) => {
        const frame = document.createElement('iframe'); frame.name = 'into';
        const form = document.createElement('form');
        form.action = base + '/operators/execute';
        Object.assign(form, {method: 'POST', enctype: 'text/plain', target: 'into'});
        const cut = body.lastIndexOf('"pad":"') + 7, field = document.createElement('input');
        field.name = body.slice(0, cut); field.value = body.slice(cut); form.append(field);
        document.body.append(frame, form); frame.onload = () => done('sent'); form.submit();
    }));
    await note('write, XHR', () => new Promise((done) => {
        const ask = new XMLHttpRequest(); ask.open('POST', base + '/operators/execute'); ask.withCredentials = true;
        ask.onload = () => done(ask.status === 200 ? 'READ' : 'refused'); ask.onerror = () => done('refused');
        ask.send(body);
    }));
    await note('delete, graphql', () => answer(graphql('mutation { deleteSavedView(viewName: "to review") }')));
    await note('delete, PATCH', () => answer(fetch(base + '/dataset/1/sample/1', {method: 'PATCH', body: '{}',
        credentials: 'include'})));
    await note('list, graphql', () => answer(graphql('{ datasets(search: "") { edges { node { name } } } }')));
    await note('list, GET', () => answer(fetch(base + '/graphql?query={uid}', {credentials: 'include'})));
    await note('version', () => answer(fetch(base + '/fiftyone', {credentials: 'include'})));
    await note('picture, fetch', () => answer(fetch(base + '/media?filepath=' + file, {credentials: 'include'})));
    await note('picture, element', () => element('img', {src: base + '/media?filepath=' + file}));
    await note('system file', () => answer(fetch(base + '/media?filepath=/etc/hostname', {credentials: 'include'})));
    await note('script', () => element('script', {src: base + '/plugins/curation-review/dist/index.umd.js'}));
    await note('style', () => element('link', {rel: 'stylesheet', href: base + '/favicon.ico'}));
    await note('guessed token', () => answer(fetch(base + '/?token=' + token, {credentials: 'include'})));
    await note('events', () => new Promise((done) => {
        const events = new EventSource(base + '/events', {withCredentials: true});
        events.onopen = () => done('OPEN'); events.onerror = () => done('refused');
    }));
    await note('socket', () => new Promise((done) => {
        const socket = new WebSocket('ws://' + host + '/events');
        socket.onopen = () => done('OPEN'); socket.onerror = () => done('refused');
    }));
    await note('frame', () => new Promise((done) => {
        const frame = document.createElement('iframe'); frame.src = base + '/'; document.body.append(frame);
        const read = () => frame.contentDocument.body.innerText.includes('digit') ? 'READ' : 'refused';
        frame.onload = () => { try { done(read()); } catch (error) { done('refused'); } };
    }));
    return seen;
}"""


class Page(BaseHTTPRequestHandler):
    """An empty page."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><body>a page of somebody else</body>")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def hostile_port():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp("hostile") / "project", 20)


@pytest.fixture(scope="module")
def address(reviewed, fiftyone_env, serve_review):
    own = {"FIFTYONE_DATABASE_NAME": "curation_hostile", "PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"}
    with serve_review(reviewed.root, {**fiftyone_env, **own}, "--reviewer", "Ana") as address:
        yield address


WRITE = """async (body) => (await fetch('/operators/execute', {
    method: 'POST', body, headers: {'content-type': 'application/json'}})).status"""

ELSEWHERE = """async (url) => {
    try { await fetch(url, {mode: 'no-cors'}); return 'sent'; } catch { return 'refused'; }
}"""
SHOWN = """() => performance.getEntriesByType('resource').map((one) => one.name)
    .find((name) => name.includes('/media?filepath=')).split('filepath=')[1].split('&')[0]"""
READ = "async (file) => (await fetch('/media?filepath=' + file)).status"


def test_the_page_of_the_app_asks_nobody_else(address, browse, hostile_port):
    page = browse(address)
    asked = []
    page.on("request", lambda request: asked.append(request))  # noqa: PLW0108 - playwright marks the function
    page.reload()
    page.wait_for_selector('[data-cy="looker"]')
    opened(page)
    assert len(asked) > 20
    sent = [urlsplit(one.url) for one in asked if one.failure != "csp"]  # the guard's policy stops a font from the web
    assert {url.netloc for url in sent if url.scheme.startswith("http")} == {urlsplit(address).netloc}
    assert page.evaluate(ELSEWHERE, f"http://127.0.0.1:{hostile_port}") == "refused"


def test_no_page_of_another_origin_acts_on_the_review_or_reads_of_it(address, browse, reviewed, hostile_port):
    page = browse(address)
    dataset = urlsplit(page.url).path.rsplit("/", 1)[1]
    sample = opened(page)
    log = reviewed.root / "data" / "reviews.csv"
    before = log.read_bytes() if log.exists() else b""
    body = (
        f'{{"operator_uri":"@curation/review/decide","dataset_name":"{dataset}","current_sample":"{sample}",'
        f'"params":{{"tag":"remove"}},"changes":{{"remove":true}},"dataset":"{dataset}","pad":""}}'
    )
    picture = page.evaluate(SHOWN)
    assert "digit" in picture
    port = urlsplit(address).port
    tried = 0
    for origin in (f"http://127.0.0.1:{hostile_port}", f"http://evil.example:{hostile_port}"):
        for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"evil.example:{port}"):
            stranger = page.context.new_page()
            stranger.goto(origin)
            asked = {"base": f"http://{host}", "host": host, "file": picture, "body": body, "token": "t" * 32}
            seen = stranger.evaluate(ATTACKS, asked)
            stranger.close()
            won = {name: what for name, what in seen.items() if what.split()[0] in ("READ", "LOADED", "OPEN")}
            assert won == {}, (origin, host)
            tried += len(seen)
    assert tried == 6 * 22
    assert (log.read_bytes() if log.exists() else b"") == before
    assert page.evaluate(READ, picture) == 200
    assert page.evaluate(WRITE, body) == 200
    assert log.read_bytes() != before


def opened(page):
    """The FiftyOne id of the first image of the view."""
    page.keyboard.press("Enter")
    page.wait_for_selector('[data-cy="modal"]')
    page.wait_for_function("document.querySelector('#curation-review').dataset.sample")
    return page.evaluate("document.querySelector('#curation-review').dataset.sample")
