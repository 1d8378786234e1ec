"""The OpenAPI document as a page to read: one file without scripts, fonts or images of anybody."""

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any, Final

Json = Mapping[str, Any]

STYLE: Final = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1, h2, h3 { line-height: 1.2; }
h2 { margin-top: 3rem; text-transform: capitalize; border-bottom: 1px solid var(--line); padding-bottom: .3rem; }
nav a { margin-right: 1rem; text-transform: capitalize; }
details { border: 1px solid var(--line); border-radius: .4rem; margin: .5rem 0; }
summary { cursor: pointer; padding: .5rem .8rem; }
details > div { padding: 0 .8rem .8rem; }
code, .method { font-family: ui-monospace, monospace; font-size: .9em; }
.method { display: inline-block; min-width: 4.2rem; font-weight: 700; }
.said { opacity: .75; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; display: block; overflow-x: auto; }
th, td { text-align: left; vertical-align: top; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line); }
"""

_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def render(document: Json) -> str:
    """Return the page of ``document``."""
    operations = list(_operations(document))
    tags = [tag["name"] for tag in document["tags"]]
    parts = [f"<h1>{escape(document['info']['title'])}</h1>", f"<p>{_text(document['info']['description'])}</p>"]
    links = " ".join(f'<a href="#{escape(tag)}">{escape(tag)}</a>' for tag in (*tags, "shapes", "problems"))
    parts.append(f'<nav>{links}<a href="/api/openapi.json">openapi.json</a></nav>')
    for tag in tags:
        parts.append(f'<h2 id="{escape(tag)}">{escape(tag)}</h2>')
        parts += [_operation(method, path, item) for method, path, item in operations if tag in item["tags"]]
    parts.append('<h2 id="shapes">Shapes</h2>')
    parts += [_shape(name, schema) for name, schema in sorted(document["components"]["schemas"].items())]
    parts.append('<h2 id="problems">Problems</h2>')
    parts.append(_problems(operations))
    return _page(document["info"]["title"], "\n".join(parts))


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>\n{body}\n</body></html>\n"
    )


def _operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def _operation(method: str, path: str, operation: Json) -> str:
    name = escape(operation["operationId"])
    parts = [f"<p>{_text(operation['description'])}</p>"]
    if operation.get("parameters"):
        parts.append(_table(("parameter", "in", "type", ""), map(_parameter, operation["parameters"])))
    if "requestBody" in operation:
        parts.append(f"<p>Body: {_content(operation['requestBody']['content'])}</p>")
    answers = operation["responses"].items()
    parts.append(_table(("status", "answer", ""), (_answer(status, answer) for status, answer in answers)))
    return (
        f'<details id="{name}"><summary><span class="method">{method}</span><code>{escape(path)}</code> '
        f'<span class="said">{escape(operation["summary"])}</span></summary><div>{"".join(parts)}</div></details>'
    )


def _parameter(parameter: Json) -> tuple[str, ...]:
    name = f"<code>{escape(parameter['name'])}</code>" + ("" if parameter["required"] else " (optional)")
    return name, parameter["in"], _type(parameter["schema"]), _text(parameter.get("description", ""))


def _answer(status: str, answer: Json) -> tuple[str, ...]:
    return status, _content(answer.get("content", {})), _text(answer["description"])


def _content(content: Json) -> str:
    return "<br>".join(f"<code>{escape(kind)}</code> {_type(body.get('schema', {}))}" for kind, body in content.items())


def _shape(name: str, schema: Json) -> str:
    rows = [
        (f"<code>{escape(field)}</code>", _type(given), _text(given.get("description", "")))
        for field, given in schema.get("properties", {}).items()
    ]
    table = _table(("field", "type", ""), rows) if rows else f"<p>{_type(schema)}</p>"
    return (
        f'<details id="shape-{escape(name)}"><summary><code>{escape(name)}</code></summary>'
        f"<div><p>{_text(schema.get('description', ''))}</p>{table}</div></details>"
    )


def _type(schema: Json) -> str:
    """Return a short word for what a value is, with a link to the shape it names."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rsplit("/", 1)[-1])
        return f'<a href="#shape-{name}">{name}</a>'
    for word in ("anyOf", "oneOf"):
        if word in schema and "type" not in schema:
            return " or ".join(_type(choice) for choice in schema[word])
    if "enum" in schema or "const" in schema:
        return " | ".join(f"<code>{escape(str(value))}</code>" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return escape(str(schema.get("format") or schema.get("type", "")))


def _problems(operations: Iterable[tuple[str, str, Json]]) -> str:
    """List the codes of problems, each with an anchor, which is where the ``type`` of a problem points."""
    found: dict[str, tuple[str, str]] = {}
    for _, _, operation in operations:
        for status, answer in operation["responses"].items():
            for code, meaning in re.findall(r"`(\w+)`: (.+?)(?=; `|$)", answer["description"]):
                found.setdefault(code, (status, meaning))
    rows = [
        (f'<code id="{escape(code)}">{escape(code)}</code>', status, _text(meaning))
        for code, (status, meaning) in sorted(found.items())
    ]
    return _table(("code", "status", ""), rows)


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f"<th>{word}</th>" for word in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(text: str) -> str:
    return re.sub(r"`(.+?)`", r"<code>\1</code>", escape(text))
