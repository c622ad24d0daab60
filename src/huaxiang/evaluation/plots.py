"""Plots of a report as SVG inside its page: no script, no file beside it; colours that all eyes tell apart."""

import html
import math
from collections.abc import Mapping, Sequence
from typing import Final

COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#666666")
"""Okabe & Ito (2008)."""
_WIDTH: Final = 720
_LINE: Final = 26
_NAMES: Final = 190
_MARGIN: Final = 84


def bars(title: str, rows: Mapping[str, tuple[float, float, float]]) -> str:
    """A horizontal bar for each name, with the ends of its interval: (value, low, high)."""
    top = max((high for _, _, high in rows.values() if math.isfinite(high)), default=0.0) or 1.0
    scale = (_WIDTH - _NAMES - _MARGIN) / top
    drawn = [_text(0, 16, title, weight="bold")]
    for at, (name, (value, low, high)) in enumerate(rows.items()):
        y = 30 + at * _LINE
        colour = COLOURS[at % len(COLOURS)]
        drawn += [
            _text(_NAMES - 8, y + 14, name, anchor="end"),
            f'<rect x="{_NAMES}" y="{y}" width="{max(value, 0.0) * scale:.1f}" height="18" fill="{colour}"/>',
            _whisker(_NAMES + low * scale, _NAMES + high * scale, y + 9),
            _text(_NAMES + max(value, high) * scale + 8, y + 14, f"{value:.4f}"),
        ]
    return _svg(drawn, 36 + _LINE * len(rows))


def lines(title: str, spans: Sequence[str], rows: Mapping[str, Sequence[float | None]]) -> str:
    """One line for each name over groups in order, such as lengths of a history; None is a gap."""
    height = 230
    top = max((value for row in rows.values() for value in row if value is not None), default=0.0) or 1.0
    step = (_WIDTH - 60 - 180) / max(len(spans) - 1, 1)
    drawn = [_text(0, 16, title, weight="bold")]
    drawn += [_text(60 + at * step, height - 6, span, anchor="middle") for at, span in enumerate(spans)]
    for share in (0.0, 0.5, 1.0):
        y = _level(share, height)
        drawn.append(f'<line x1="52" x2="{_WIDTH - 172}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        drawn.append(_text(46, y + 4, f"{share * top:.3f}", anchor="end"))
    for at, (name, row) in enumerate(rows.items()):
        colour = COLOURS[at % len(COLOURS)]
        points = [(60 + i * step, _level(v / top, height)) for i, v in enumerate(row) if v is not None]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        drawn.append(_text(_WIDTH - 160, 40 + at * 18, name, fill=colour))
    return _svg(drawn, height)


def _level(share: float, height: int) -> float:
    return height - 28 - share * (height - 62)


def _whisker(x1: float, x2: float, y: float) -> str:
    ends = "".join(f"M{x:.1f} {y - 5:.1f}V{y + 5:.1f}" for x in (x1, x2))
    return f'<path d="M{x1:.1f} {y:.1f}H{x2:.1f}{ends}" stroke="#222" fill="none"/>'


def _text(x: float, y: float, said: str, *, anchor: str = "start", weight: str = "normal", fill: str = "#222") -> str:
    style = f'text-anchor="{anchor}" font-weight="{weight}" fill="{fill}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{html.escape(said)}</text>'


def _svg(drawn: Sequence[str], height: int) -> str:
    body = "".join(drawn)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'style="max-width:{_WIDTH}px;width:100%;font:13px sans-serif">{body}</svg>'
    )
