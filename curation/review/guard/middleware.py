"""The guard as ASGI middleware around FiftyOne's server: every request passes `access`, `routes` and `bodies`.

It stands in the process of the server, so there is no second port that goes around it.
"""

import html
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from curation.review.guard import routes
from curation.review.guard.access import Access, Caller, Verdict, without_token
from curation.review.guard.bodies import BodyError, check, parse
from curation.review.guard.dataset import Dataset
from curation.review.guard.queries import narrowed

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

LARGEST_BODY = 16_000_000  # bytes; the ids of all selected samples stand in a body
HEADERS = [
    (b"x-frame-options", b"DENY"),
    (
        b"content-security-policy",  # nothing frames the App, and the App asks nobody else: it would report its use
        b"default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; form-action 'self'; frame-ancestors 'none'",
    ),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
REFUSED = (
    "The review refused this request: {why}. Open the address that `curate review open` printed; it holds the token of "
    "this session."
)


class Guard:
    """Middleware that lets the reviewer's browser through, and of it what a review of one dataset needs."""

    def __init__(self, app: App, access: Access, dataset: Dataset) -> None:
        self.app, self.access, self.dataset = app, access, dataset

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, _guarded(send))
        else:  # FiftyOne has no websocket
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Message, receive: Receive, send: Send) -> None:
        caller, path = _caller(scope), str(scope["path"])
        if path == routes.STATUS and caller.method == "GET" and self.access.answers_anyone(caller):
            await self.app(scope, receive, send)
            return
        verdict = self.access.verdict(caller)
        if verdict is Verdict.REFUSE:
            await _answer(send, 403, REFUSED.format(why="it is not from a page of this review"))
        elif verdict is Verdict.SIGN_IN:
            await self._sign_in(path, caller, send)
        elif path == "/":
            await _answer(send, 303, "", [(b"location", routes.home(self.dataset.name).encode())])
        else:
            await self._checked(scope, receive, send)

    async def _sign_in(self, path: str, caller: Caller, send: Send) -> None:
        """Set the cookie and go to the same address without the token.

        The page goes there by itself and not by a redirect: a redirect counts as a request of the site that had the
        link, and a strict cookie would not be sent with it.
        """
        query = without_token(caller.query)
        target = html.escape((path if path != "/" else routes.home(self.dataset.name)) + (f"?{query}" if query else ""))
        cookie = f"{self.access.cookie}={self.access.token}; HttpOnly; SameSite=Strict; Path=/"
        page = f'<!doctype html><meta http-equiv="refresh" content="0;url={target}"><title>curation</title>'
        headers = [(b"set-cookie", cookie.encode()), (b"cache-control", b"no-store")]
        await _answer(send, 200, page, [*headers, (b"content-type", b"text/html; charset=utf-8")])

    async def _checked(self, scope: Message, receive: Receive, send: Send) -> None:
        method, path = str(scope["method"]), str(scope["path"])
        if not routes.is_needed(method, path, self.dataset.name):
            await _answer(send, 403, REFUSED.format(why="a review does not need this address"))
            return
        if path == routes.MEDIA and not await self.dataset.shows(_filepath(scope)):
            await _answer(send, 403, REFUSED.format(why="this is no image of the review"))
            return
        if method != "POST":
            await self.app(scope, receive, send)
            return
        try:
            asked = self._allowed(path, parse(await _body(scope, receive)))
        except BodyError as error:
            await _answer(send, 403, REFUSED.format(why=f"it asks for {error}"))
            return
        body = json.dumps(asked).encode()
        await self.app(_of_length(scope, len(body)), _again(body, receive), send)

    def _allowed(self, path: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Return what is passed on of a body; BodyError where nothing is."""
        check(asked, self.dataset.name, self.dataset.id)
        if path == routes.GRAPHQL:
            return narrowed(asked, self.dataset.name, self.dataset.id)
        if path == routes.EVENTS and not isinstance(asked.get("initializer") or {}, dict):
            raise BodyError("another dataset")
        if ("operator_uri" in asked or path in routes.OPERATORS) and not routes.operator_allowed(asked):
            raise BodyError(f"the operator {asked.get('operator_uri')}")
        return asked


def _caller(scope: Message) -> Caller:
    headers: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return Caller(str(scope["method"]), scope["query_string"].decode("latin-1"), headers)


def _filepath(scope: Message) -> str:
    """Return the one file that a request for a picture names; "" where it names none or several."""
    found = parse_qs(scope["query_string"].decode("latin-1")).get("filepath", [])
    return found[0] if len(found) == 1 else ""


async def _body(scope: Message, receive: Receive) -> bytes:
    """Read a body of JSON. A page of another site can't send that type without asking first, which is refused."""
    said = any(name.lower() == b"content-type" and b"json" in value for name, value in scope["headers"])
    if not said and scope["path"] != routes.EVENTS:  # the App does not say the type of this one
        raise BodyError("something that is not JSON")
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = bool(message.get("more_body", False))
        if size > LARGEST_BODY:
            raise BodyError("more than fits into one request")
    return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Give the body that was read to the application, then what comes after it."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def give() -> Message:
        return waiting.pop() if waiting else await receive()

    return give


def _of_length(scope: Message, length: int) -> Message:
    """The same request with the length of the body that is passed on."""
    kept = [one for one in scope["headers"] if one[0].lower() not in (b"content-length", b"transfer-encoding")]
    return {**scope, "headers": [*kept, (b"content-length", str(length).encode())]}


def _guarded(send: Send) -> Send:
    """Add the guard's headers to every answer, in place of FiftyOne's of the same name."""

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            ours = {name for name, _ in HEADERS}
            kept = [one for one in message.get("headers", []) if one[0].lower() not in ours]
            message = {**message, "headers": [*kept, *HEADERS]}
        await send(message)

    return with_headers


async def _answer(send: Send, status: int, text: str, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    told = headers or [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": told})
    await send({"type": "http.response.body", "body": text.encode("utf-8", "backslashreplace")})
