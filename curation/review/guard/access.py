"""Who may talk to the App: this address, this origin, and whoever has the token of this session.

FiftyOne checks neither Host nor Origin. A web page that a reviewer visits could send requests to its port, and by DNS
rebinding read the answers. Three checks stop both; they are those of Jupyter Server (its tokens, `allow_origin` and
`local_hostnames`) and of OWASP's page on cross-site request forgery:

- Host must be an address of this server, so a rebound name of another site is refused.
- Origin, where a browser sends one, must be this server's, and Sec-Fetch-Site must not name another site. This also
  holds for pages of other ports of this machine, which browsers count as the same site.
- A token stands in the address that `curate review open` prints. The first visit changes it for a cookie that scripts
  can't read (HttpOnly) and that is not sent with requests from other sites (SameSite=Strict).
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

TOKEN = "token"  # noqa: S105 - the name of the parameter


class Verdict(StrEnum):
    """What becomes of a request."""

    PASS = "pass"  # noqa: S105 - no password
    SIGN_IN = "sign in"  # it brings the token in its address: set the cookie, then show the page
    REFUSE = "refuse"


@dataclass(frozen=True)
class Caller:
    """What a request says of where it comes from. Header names are in lower case."""

    method: str
    query: str
    headers: dict[str, list[str]]

    def one(self, name: str) -> str:
        """Return a header that must not come twice; "" where it is missing or comes twice."""
        values = self.headers.get(name, [])
        return values[0] if len(values) == 1 else ""


@dataclass(frozen=True)
class Access:
    """The hosts (`name:port`) under which this server is reached, and the token of this session."""

    hosts: frozenset[str]
    token: str = field(repr=False)
    cookie: str = "curation"

    @classmethod
    def of(cls, addresses: Iterable[str], port: int, token: str) -> "Access":
        """Make it for some addresses. Cookies do not know ports, so the cookie has the port in its name."""
        names = [f"[{one}]" if ":" in one else one.lower() for one in addresses]
        hosts = {f"{name}:{port}" for name in names} | ({*names} if port == 80 else set())
        return cls(frozenset(hosts), token, f"curation-{port}")

    def verdict(self, caller: Caller) -> Verdict:
        """Decide on a request by its headers and its address alone."""
        if not self._is_here(caller):
            return Verdict.REFUSE
        if self._has_cookie(caller):
            return Verdict.PASS if _same_site(caller) else Verdict.REFUSE
        offered = dict(parse_qsl(caller.query)).get(TOKEN, "")
        if caller.method == "GET" and self._is_token(offered) and _opens_a_page(caller):
            return Verdict.SIGN_IN
        return Verdict.REFUSE

    def answers_anyone(self, caller: Caller) -> bool:
        """Whether a request without a token is addressed to this server by no other site."""
        return self._is_here(caller) and _same_site(caller)

    def _is_here(self, caller: Caller) -> bool:
        host, origins = caller.one("host").lower(), caller.headers.get("origin", [])
        return host in self.hosts and all(origin.lower() == f"http://{host}" for origin in origins)

    def _has_cookie(self, caller: Caller) -> bool:
        for header in caller.headers.get("cookie", []):
            try:
                found = SimpleCookie(header).get(self.cookie)
            except CookieError:
                continue
            if found and self._is_token(found.value):
                return True
        return False

    def _is_token(self, text: str) -> bool:
        return secrets.compare_digest(text.encode(), self.token.encode())


def without_token(query: str) -> str:
    """Return a query string without the token, for the address that stays in the browser."""
    return urlencode([(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != TOKEN])


def _same_site(caller: Caller) -> bool:
    """Browsers say where a request comes from; `none` is an address that a person typed or opened."""
    return caller.headers.get("sec-fetch-site", ["none"]) in (["none"], ["same-origin"])


def _opens_a_page(caller: Caller) -> bool:
    """A link to the printed address may stand in a mail or a terminal on the web; no frame and no script opens it."""
    return (caller.headers.get("sec-fetch-mode", ["navigate"]), caller.headers.get("sec-fetch-dest", ["document"])) == (
        ["navigate"],
        ["document"],
    )
