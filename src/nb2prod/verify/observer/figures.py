"""Figures of matplotlib: axes, data and texts, no pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .plain import string
from .writing import name_of, root_of

if TYPE_CHECKING:
    from .looking import Digester
    from .writing import Digest


# What collections in three dimensions hold; their places on the page are known only once they are drawn.
_IN_SPACE = ("_offsets3d", "_segments3d", "_3dverts_codes", "_faces", "_vec")


def artist(digester: Digester, value: Any) -> Digest:
    """Look at a part of a figure shown by itself: its class."""
    return {"kind": "record", "type": "artist", "fields": {"class": string(digester, name_of(type(value)))}}


def figure(digester: Digester, value: Any) -> Digest:
    """Look at a figure: its axes, and what lies beside them."""
    fields = {
        "title": _text_of(getattr(value, "_suptitle", None)),
        "axes": list(value.axes),
        "texts": [text.get_text() for text in value.texts],
        "lines": [line.get_xydata() for line in value.lines],
        "images": [image.get_array() for image in value.images],
        "legends": [_legend(legend) for legend in value.legends],
    }
    return digester.record(value, fields)


def axes(digester: Digester, value: Any) -> Digest:
    """Look at axes: what is drawn in them, their limits, scales and texts."""
    place = value.get_position(original=True).bounds
    fields: dict[str, Any] = {
        "position": [round(float(number), 3) for number in place],
        "title": value.get_title(),
        "title_left": value.get_title(loc="left"),
        "title_right": value.get_title(loc="right"),
        "legend": _legend(value.get_legend()),
        "lines": [_line(line) for line in value.lines],
        "patches": [_patch(patch) for patch in value.patches],
        "collections": [_collection(collection) for collection in value.collections],
        "images": [_image(image) for image in value.images],
        "texts": [_placed(text) for text in value.texts],
        "visible": bool(value.get_visible()) and bool(value.axison),
    }
    for name in ("x", "y", "z"):
        axis = getattr(value, f"{name}axis", None)
        if axis is not None:
            fields[f"{name}_label"] = axis.label.get_text()
            fields[f"{name}_scale"] = axis.get_scale()
            fields[f"{name}_limits"] = [float(number) for number in getattr(value, f"get_{name}lim")()]
            fields[f"{name}_ticks"] = _ticks(axis)
    return {"kind": "record", "type": "Axes", "fields": {name: digester.look(part) for name, part in fields.items()}}


def _text_of(text: Any) -> str | None:
    return None if text is None else str(text.get_text())


def _placed(text: Any) -> list[Any]:
    return [text.get_text(), _place(text.get_position())]


def _place(place: Any) -> list[float | str]:
    return [float(each) if isinstance(each, (int, float)) else str(each) for each in place]


def _legend(legend: Any) -> list[str] | None:
    return None if legend is None else [text.get_text() for text in legend.get_texts()]


def _line(line: Any) -> dict[str, Any]:
    data = line.get_data_3d() if hasattr(type(line), "get_data_3d") else line.get_xydata()
    return {"label": str(line.get_label()), "style": str(line.get_linestyle()), "marker": str(line.get_marker()),
            "color": str(line.get_color()), "data": data}  # fmt: skip


def _patch(patch: Any) -> Any:
    if hasattr(type(patch), "get_bbox") and hasattr(type(patch), "get_width"):
        return [float(number) for number in patch.get_bbox().bounds]
    if hasattr(patch, "theta1"):
        return [float(patch.theta1), float(patch.theta2), float(patch.r)]
    # The path of an arrow depends on the resolution it was drawn with, once it has been drawn.
    ends = (patch.xy1, patch.xy2) if hasattr(patch, "xy1") else getattr(patch, "_posA_posB", None)
    if ends is not None:
        return [_place(each) for each in ends]
    return patch.get_path().vertices


def _collection(collection: Any) -> dict[str, Any]:
    label, values = str(collection.get_label()), collection.get_array()
    for name in _IN_SPACE:
        places = getattr(collection, name, None)
        if places is not None:
            return {"label": label, "places": places, "values": values}
    paths = collection.get_paths()
    vertices = [path.vertices for path in paths[:100]]
    return {"label": label, "offsets": collection.get_offsets(), "paths": len(paths),
            "vertices": vertices, "values": values}  # fmt: skip


def _image(image: Any) -> dict[str, Any]:
    return {"data": image.get_array(), "extent": [float(number) for number in image.get_extent()]}


def _ticks(axis: Any) -> Any:
    """Return the tick labels the author has set; those matplotlib chooses follow from the limits."""
    labels = getattr(axis.get_major_formatter(), "seq", None)
    places = getattr(axis.get_major_locator(), "locs", None)
    names = getattr(axis.get_units(), "_mapping", None)
    return {
        "labels": None if labels is None else [str(label) for label in labels],
        "places": None if places is None else [float(place) for place in places],
        "categories": None if names is None else [str(name) for name in names],
    }


def settle(figure: Any) -> None:
    """Draw a figure that is shown and not drawn yet, as it is about to be: limits and places may follow from that.

    A kernel draws the figures of a cell before it shows them, and none before ``plt.show()``.
    """
    if getattr(figure, "stale", False):
        figure.canvas.draw()


def is_figure(value: Any) -> bool:
    """Return whether a value is a matplotlib figure."""
    return any(base.__name__ == "Figure" and root_of(base) == "matplotlib" for base in type(value).__mro__)
