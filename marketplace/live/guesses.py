"""Addresses of pages, where people copy them, as the addresses of the documents behind. Pure: nothing is asked."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

_GITHUB = re.compile(r"/([^/]+)/([^/]+)/(?:blob|raw)/(.+)")
_GIST = re.compile(r"/([^/]+)/([0-9a-f]{20,40})/?")
_GITLAB = re.compile(r"(/.+)/-/blob/(.+)")
_BITBUCKET = re.compile(r"/([^/]+)/([^/]+)/src/(.+)")
_HUGGING_FACE = re.compile(r"(/.+)/blob/(.+)")
_FORGEJO = re.compile(r"/([^/]+)/([^/]+)/src/(branch|tag|commit)/(.+)")
_SOURCEHUT = re.compile(r"(/~[^/]+/[^/]+)/tree/([^/]+)/item/(.+)")
_CKAN = re.compile(r"(.*)/dataset/([\w-]+)/?")


def raw_address(url: str) -> str:
    """The address of the file itself where `url` is a git host's page about a file; any other address as it is."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return url
    if parts.scheme not in ("http", "https"):
        return url
    path = parts.path
    if host == "github.com" and (found := _GITHUB.fullmatch(path)):
        owner, repository, rest = found.groups()
        return _at(parts, f"/{owner}/{repository}/{rest}", "raw.githubusercontent.com")
    if host == "gist.github.com" and (found := _GIST.fullmatch(path)):
        return _at(parts, f"/{found[1]}/{found[2]}/raw", "gist.githubusercontent.com")
    if host == "bitbucket.org" and (found := _BITBUCKET.fullmatch(path)):
        return _at(parts, "/{}/{}/raw/{}".format(*found.groups()))
    if host == "huggingface.co" and (found := _HUGGING_FACE.fullmatch(path)):
        return _at(parts, f"{found[1]}/resolve/{found[2]}")
    if host == "git.sr.ht" and (found := _SOURCEHUT.fullmatch(path)):
        return _at(parts, f"{found[1]}/blob/{found[2]}/{found[3]}")
    if found := _GITLAB.fullmatch(path):  # GitLab runs on hosts of any name, and no other writes /-/blob/
        return _at(parts, f"{found[1]}/-/raw/{found[2]}")
    if found := _FORGEJO.fullmatch(path):  # Gitea and Forgejo, on hosts of any name
        return _at(parts, "/{}/{}/raw/{}/{}".format(*found.groups()))
    return url


def _at(parts: SplitResult, path: str, netloc: str = "") -> str:
    """The path on the same host or another; of the fragment only the choice of a dataset is kept (#L10 is a line)."""
    fragment = parts.fragment if parts.fragment.startswith("dataset=") else ""
    return urlunsplit((parts.scheme, netloc or parts.netloc, path, "", fragment))


def guessed_addresses(url: str) -> tuple[str, ...]:
    """Where else to look when `url` itself is no descriptor: a CKAN portal's interface for the page of a dataset, and
    /discover below the base of a gateway. At most two."""
    bare = url.split("#")[0].split("?")[0].rstrip("/")
    if bare.endswith("/discover"):
        return ()
    try:
        parts = urlsplit(bare)
    except ValueError:
        return ()
    found = _CKAN.fullmatch(parts.path)
    if found is None:
        return (f"{bare}/discover",)
    query = f"id={quote(unquote(found[2]), safe='')}"
    ckan = urlunsplit((parts.scheme, parts.netloc, f"{found[1]}/api/3/action/package_show", query, ""))
    return (ckan, f"{bare}/discover")
