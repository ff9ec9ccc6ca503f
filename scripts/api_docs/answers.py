"""Formats a request as a curl command, and its answer for the page."""

import json
from typing import Any, Final

from scripts.api_docs.running import Answered

WIDTH: Final = 110
TEXT_LINES: Final = 4


def curl(answered: Answered) -> str:
    """The command line that sends the request."""
    example = answered.example
    words = ["curl -s"]
    if answered.status >= 400 or answered.status in (201, 204):
        words[0] += " -i"  # the status is the answer
    if example.caller:
        words.append('-H "X-Auth-Token: $TOKEN"')
    words += [f"-H '{name}: {value}'" for name, value in example.headers.items()]
    if example.method == "HEAD":
        words.append("--head")
    elif example.method not in ("GET", "POST") or (example.method == "POST" and not example.body):
        words.append(f"-X {example.method}")
    path = answered.path
    words.append(f'"$IPAM{path}"' if "?" in path else f"$IPAM{path}")
    if answered.body is None:
        return "$ " + " ".join(words)
    return "$ " + " ".join(words) + f" -d '\n{pretty(answered.body)}'"


def shown_answer(answered: Answered) -> str:
    """The answer, cut down to what the example wants to show."""
    plain = answered.status == 200 and answered.example.method != "HEAD"
    head = [] if plain else [f"HTTP/1.1 {answered.status}"]
    head += [f"{name}: {value}" for name, value in answered.headers.items()]
    shown = answered.example.shown
    if not answered.text or shown == ("",):
        body = "…" if answered.text else ""
    elif not answered.text.startswith(("{", "null")):
        body = "\n".join(answered.text.splitlines()[:TEXT_LINES])
    else:
        body = pretty(_chosen(json.loads(answered.text), shown))
    return "\n".join(part for part in (*head, body) if part)


def _chosen(answer: Any, shown: tuple[str, ...]) -> Any:
    """Each item of the answer with these attributes only."""
    if not shown or "NeutronError" in answer:
        return answer
    return {
        name: [_item(each, shown) for each in value]
        if isinstance(value, list)
        else _item(value, shown)
        for name, value in answer.items()
    }


def _item(item: Any, shown: tuple[str, ...]) -> Any:
    if not isinstance(item, dict):
        return item
    left_out = {"…": "…"} if set(item) - set(shown) else {}
    return {name: item[name] for name in shown} | left_out


def pretty(value: Any, indent: str = "") -> str:
    """JSON with whatever fits on a line on one."""
    flat = json.dumps(value, ensure_ascii=False).replace('"…": "…"', "…")
    if len(indent) + len(flat) <= WIDTH or not isinstance(value, dict | list) or not value:
        return indent + flat
    deeper = indent + "  "
    if isinstance(value, list):
        lines = [pretty(each, deeper) for each in value]
        return f"{indent}[\n" + ",\n".join(lines) + f"\n{indent}]"
    lines = [
        f"{deeper}…"
        if name == "…"
        else f"{deeper}{json.dumps(name)}: {pretty(each, deeper).removeprefix(deeper)}"
        for name, each in value.items()
    ]
    return f"{indent}{{\n" + ",\n".join(lines) + f"\n{indent}}}"
