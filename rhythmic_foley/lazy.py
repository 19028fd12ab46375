"""Packages whose names are loaded when they are first used (PEP 562), so that importing one costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_face(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Make the `__getattr__` of a package that offers names from its modules without importing them.

    Args:
        package: full name of the package, its `__name__`.
        homes: name -> module of the package (relative, such as "mel") in which it is defined.
    """

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return load
