"""Our own themes, and what any theme becomes where a terminal has few colours or its user wants none.

High contrast keeps every text at 7:1 on what is behind it (WCAG's AAA), the others of ours at 4.5:1. Those that are
safe for the colour-blind tell verdicts apart by blue, orange and lightness, never by red against green; signs and words
say the same without any colour.

A terminal of 16 colours (the Linux console, TERM=xterm-16color) gets a theme made of these, for what others come to
there can't be foreseen. One of 256 shows greys for what is nearly grey: the nearest of its colours would be navy or
olive. With NO_COLOR nothing is sent that changes a colour; a chosen row is underlined there.
"""

import os
from typing import TypeVar

from textual.app import App
from textual.color import Color, ColorParseError
from textual.theme import Theme

Result = TypeVar("Result")

FEW_COLOURS = "lacie-16-colours"
HIGH_CONTRAST = ("lacie-high-contrast-dark", "lacie-high-contrast-light")
COLOUR_BLIND = ("lacie-colour-blind-dark", "lacie-colour-blind-light")

_MUTED = ("secondary", "warning", "error", "success", "accent")

_NEARLY_GREY = 0x30
"""How far apart the channels of a colour may be that counts as a grey."""


_UNDERLINED = {"block-cursor-text-style": "bold underline", "block-cursor-blurred-text-style": "underline"}
"""A chosen row where a background can't set it off: half-tones would lose their contrast on it, or none is drawn."""


def _theme(name: str, *, muted: str, text: dict[str, str], **colours: str | bool | dict[str, str]) -> Theme:
    """A theme whose coloured texts are just these, in which nothing is lifted off the background by a tint alone."""
    own = {f"text-{role}": colour for role, colour in text.items()}
    variables = {**own, "text-muted": muted, **colours.pop("variables")}  # type: ignore[dict-item]
    return Theme(name=name, variables=variables, **text, **colours)  # type: ignore[arg-type]


THEMES: tuple[Theme, ...] = (
    _theme(
        HIGH_CONTRAST[0],
        muted="#d0d0d0",
        text={
            "primary": "#6cd0ff",
            "secondary": "#a8d8ff",
            "accent": "#ffe95c",
            "warning": "#ffc400",
            "error": "#ff9090",
            "success": "#5cff7a",
        },
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#000000",
        boost="#000000",
        variables={
            "warning-muted": "#3c2e00",
            "primary-muted": "#00344a",
            "error-muted": "#400000",
            "success-muted": "#00330c",
            "border": "#ffe95c",
            "border-blurred": "#b0b0b0",
            "panel-lighten-2": "#909090",
            **_UNDERLINED,
            "block-cursor-background": "#000000",
            "block-cursor-foreground": "#ffe95c",
            "block-cursor-blurred-background": "#000000",
            "input-selection-background": "#00488f",
            "screen-selection-background": "#00488f",
            "footer-key-foreground": "#ffe95c",
            "link-color": "#6cd0ff",
            "markdown-h6-color": "#ffffff",
            "button-color-foreground": "#000000",
        },
    ),
    _theme(
        HIGH_CONTRAST[1],
        muted="#3c3c3c",
        text={
            "primary": "#003d99",
            "secondary": "#00455c",
            "accent": "#5c0080",
            "warning": "#6b3600",
            "error": "#8f0000",
            "success": "#004d17",
        },
        foreground="#000000",
        background="#ffffff",
        surface="#ffffff",
        panel="#ffffff",
        boost="#ffffff",
        dark=False,
        variables={
            "warning-muted": "#ffeab8",
            "primary-muted": "#d3e6ff",
            "error-muted": "#ffdcdc",
            "success-muted": "#d2f5db",
            "border": "#5c0080",
            "border-blurred": "#606060",
            "panel-lighten-2": "#707070",
            **_UNDERLINED,
            "block-cursor-background": "#ffffff",
            "block-cursor-foreground": "#5c0080",
            "block-cursor-blurred-background": "#ffffff",
            "input-selection-background": "#b8d4ff",
            "screen-selection-background": "#b8d4ff",
            "footer-key-foreground": "#5c0080",
            "link-color": "#003d99",
            "markdown-h6-color": "#000000",
            "button-color-foreground": "#ffffff",
        },
    ),
    _theme(
        COLOUR_BLIND[0],
        muted="#a9afb5",
        text={
            "primary": "#bfe3ff",
            "secondary": "#9db4c8",
            "accent": "#f0e442",
            "warning": "#e69f00",
            "error": "#f06a2b",
            "success": "#45a9f2",
        },
        foreground="#f0f0f0",
        background="#101418",
        surface="#171c21",
        panel="#1e252b",
        boost="#1b2127",
        variables={
            "warning-muted": "#3d2b00",
            "primary-muted": "#17405c",
            "border": "#45a9f2",
            "border-blurred": "#6b7680",
            "panel-lighten-2": "#6b7680",
            "block-cursor-background": "#17405c",
            "block-cursor-foreground": "#ffffff",
            "block-cursor-blurred-background": "#22303c",
            "input-selection-background": "#1d4f7a",
            "screen-selection-background": "#1d4f7a",
            "footer-key-foreground": "#f0e442",
            "link-color": "#bfe3ff",
            "button-color-foreground": "#101418",
        },
    ),
    _theme(
        COLOUR_BLIND[1],
        muted="#565656",
        text={
            "primary": "#003366",
            "secondary": "#3f5a73",
            "accent": "#6b2a86",
            "warning": "#8a5800",
            "error": "#96005e",
            "success": "#0062b1",
        },
        foreground="#121212",
        background="#ffffff",
        surface="#f7f7f7",
        panel="#eeeeee",
        boost="#f4f4f4",
        dark=False,
        variables={
            "warning-muted": "#ffeab8",
            "primary-muted": "#cfe6fb",
            "border": "#0062b1",
            "border-blurred": "#8a8a8a",
            "panel-lighten-2": "#8a8a8a",
            "block-cursor-background": "#bcdcf7",
            "block-cursor-foreground": "#000000",
            "block-cursor-blurred-background": "#e3eef7",
            "input-selection-background": "#bcdcf7",
            "screen-selection-background": "#bcdcf7",
            "footer-key-foreground": "#6b2a86",
            "link-color": "#003366",
            "button-color-foreground": "#ffffff",
        },
    ),
    _theme(
        FEW_COLOURS,
        muted="ansi_white",
        text={
            "primary": "ansi_bright_cyan",
            "secondary": "ansi_cyan",
            "accent": "ansi_bright_cyan",
            "warning": "ansi_bright_yellow",
            "error": "ansi_bright_red",
            "success": "ansi_bright_green",
        },
        foreground="ansi_bright_white",
        background="ansi_black",
        surface="ansi_black",
        panel="ansi_black",
        boost="ansi_black",
        ansi=True,
        variables={
            "text": "ansi_bright_white",
            "foreground-muted": "ansi_white",
            "primary-muted": "ansi_blue",
            "border": "ansi_bright_cyan",
            "border-blurred": "ansi_white",
            "panel-lighten-2": "ansi_white",
            "scrollbar": "ansi_white",
            "block-cursor-background": "ansi_white",
            "block-cursor-foreground": "ansi_black",
            "block-cursor-blurred-foreground": "ansi_bright_white",
            "block-cursor-blurred-background": "ansi_blue",
            "input-selection-background": "ansi_blue",
            "input-selection-foreground": "ansi_bright_white",
            "screen-selection-background": "ansi_blue",
            "screen-selection-foreground": "ansi_bright_white",
            "footer-background": "ansi_black",
            "footer-foreground": "ansi_bright_white",
            "footer-description-foreground": "ansi_bright_white",
            "footer-description-background": "ansi_black",
            "footer-item-background": "ansi_black",
            "footer-key-foreground": "ansi_bright_yellow",
            "markdown-h1-color": "ansi_bright_cyan",
            "markdown-h2-color": "ansi_bright_cyan",
            "markdown-h3-color": "ansi_bright_cyan",
            "link-color": "ansi_bright_cyan",
            "ansi-background": "ansi_black",
            "ansi-foreground": "ansi_bright_white",
        },
    ),
)


class Coloured(App[Result]):
    """An app in any theme of Textual's and of ours, that fits itself to its terminal."""

    def __init__(self) -> None:
        if not os.environ.get("NO_COLOR", "none"):
            del os.environ["NO_COLOR"]  # empty, it asks for nothing (no-color.org)
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        for theme in THEMES:
            self.register_theme(theme)

    def show_theme(self, wanted: str) -> None:
        """Take this theme, or what this terminal lets it be."""
        self.theme = self.fitting_theme(wanted)
        self.refresh_css()

    def fitting_theme(self, wanted: str) -> str:
        """What to draw with where the user likes `wanted`; the theme at hand where there is no such theme."""
        if self._few_colours() == 16 or self.no_color:
            return FEW_COLOURS
        return wanted if wanted in self.available_themes else self.theme

    def get_css_variables(self) -> dict[str, str]:
        """The theme's, as this terminal can show them."""
        found = super().get_css_variables()
        found["frame"] = self._frame(found)
        if self.no_color:
            found |= {**_UNDERLINED, "input-cursor-text-style": "reverse"}
        elif self.current_theme.ansi:
            # Textual mutes a colour of the terminal's own by 50 %, which is that very colour: text on it would vanish.
            found |= {f"{name}-muted": found["background"] for name in _MUTED}
        elif self._few_colours() == 256:
            found = {name: _grey_if_nearly(value) for name, value in found.items()}
        self.theme_variables = found
        return found

    def _frame(self, found: dict[str, str]) -> str:
        """The colour of frames and scroll bars: the theme's own, else a third of its text's. Textual's is nearly
        that of the background, so that a panel has no edge."""
        if own := self.current_theme.variables.get("border-blurred"):
            return own
        if self.current_theme.ansi:
            return found["foreground"]
        return Color.parse(found["background"]).blend(Color.parse(found["foreground"]), 1 / 3).hex

    def _few_colours(self) -> int | None:
        """16 or 256 where the terminal has no more; None in tests that have none, whose pictures have all colours."""
        if self._driver is None or self.is_headless:
            return None
        return {"standard": 16, "windows": 16, "256": 256}.get(str(self.console.color_system))


def _grey_if_nearly(value: str) -> str:
    """A colour that is nearly grey, as the grey that is as light; anything else as it is."""
    try:
        colour = Color.parse(value)
    except ColorParseError:  # `bold`, `auto 60%`
        return value
    channels = colour.rgb
    if colour.ansi is not None or not 0 < max(channels) - min(channels) <= _NEARLY_GREY:
        return value
    grey = round(colour.brightness * 255)
    return Color(grey, grey, grey, colour.a).hex
