"""What Textual would keep of widgets that are gone.

Textual remembers the colours round a widget's lines by the cache of those lines, for the last 1,024 of such caches,
each with every line that its widget has drawn. In a long conversation these are all the messages that were dropped from
the screen, some 50 kB a turn. The colours hang on two colours alone, and by them they are remembered here.
"""

from functools import lru_cache, partial

from textual._styles_cache import StylesCache


def let_go() -> None:
    """Have Textual let go of what widgets have drawn once they are gone."""
    colours = getattr(StylesCache.get_inner_outer, "__wrapped__", None)
    if colours is not None:
        StylesCache.get_inner_outer = staticmethod(lru_cache(1024)(partial(colours, None)))  # type: ignore[assignment, method-assign]
