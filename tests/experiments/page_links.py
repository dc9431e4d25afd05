"""What the pages read of their address, found in their source: the names, and every word that may be a value."""

from __future__ import annotations

import ast
from functools import cache

from core.data.paths import CHECKOUT

READERS = {"follow_once", "remember", "follow", "keep", "query_params.get"}  # the name is their first text
AFTER_A_LABEL = {"pick", "switch"}  # the name is their second text
SPELT_OUT = {"compare": {"a", "b"}}  # names that no text in the source holds


@cache
def names_and_words(page: str) -> tuple[frozenset[str], frozenset[str]]:
    """Of a page and of what pages share: names that stand in a call which reads the address, and all texts."""
    folders = [*(CHECKOUT / "pages").glob(f"*/{page}"), CHECKOUT / "pages" / "shared"]
    names: set[str] = set(SPELT_OUT.get(page, ()))
    words: set[str] = set()
    for path in (path for folder in folders for path in folder.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        constants = _constants(tree)
        words |= {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            called = ast.unparse(call.func).removeprefix("st.").removeprefix("choices.")
            place = 1 if called in AFTER_A_LABEL else 0 if called in READERS else None
            if place is not None and len(call.args) > place:
                argument = call.args[place]
                value = (
                    constants.get(argument.id) if isinstance(argument, ast.Name) else getattr(argument, "value", None)
                )
                names |= {value} if isinstance(value, str) else set()
    return frozenset(names), frozenset(words)


def has_key(page: str, key: str) -> bool:
    """Whether a control of that page may have this key: a text of the source is the key, or its beginning or end where it is
    put together."""
    words = names_and_words(page)[1]
    parts = [word for word in words if "_" in word and len(word) > 1]
    return key in words or any(key.startswith(part) or key.endswith(part) for part in parts)


def _constants(tree: ast.Module) -> dict[str, object]:
    """Texts at module level by their names, also where several stand in one line."""
    pairs: list[tuple[ast.expr, ast.expr]] = []
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Tuple)
            and isinstance(node.value, ast.Tuple)
        ):
            pairs += zip(node.targets[0].elts, node.value.elts, strict=False)
        elif isinstance(node, ast.Assign):
            pairs.append((node.targets[0], node.value))
    return {
        target.id: value.value
        for target, value in pairs
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant)
    }
