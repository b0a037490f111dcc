"""The results of a study: plain values, shown as a page or a summary, and saved."""

import json
from html import escape
from pathlib import Path
from typing import Any

from fastgd.files.writing import write_text
from fastgd.report import page, slides, summary
from fastgd.report.reading import read_study


class Study:
    """The results of a study; a notebook shows them as a page.

    Parameters
    ----------
    data : dict
        Plain values, as `save` writes them.

    Attributes
    ----------
    data : dict
        Plain values, as in JSON: "machine", "versions", "threads", "settings", "sources", and an entry for each section
        that was measured.

    Examples
    --------
    >>> import fastgd
    >>> found = fastgd.study(quick=True, sections=["descents"], quiet=True)
    >>> found.data["descents"]["schedules"]["n_features"]
    20
    """

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

    def __repr__(self) -> str:
        return "\n".join(summary.summarize_study(self.data))

    def _repr_html_(self) -> str:
        try:
            html = self.to_html()
        except ImportError as error:  # a notebook would show a traceback, although the study is done
            return f"<pre>{escape(repr(self))}\n\n{escape(str(error))}</pre>"
        # A frame keeps the page's styles and names apart from the notebook's.
        return f'<iframe title="fastgd study" srcdoc="{escape(html)}" width="100%" height="800"></iframe>'

    def to_html(self) -> str:
        """Return the page as one file.

        Returns
        -------
        str
            HTML that contains its styles, script, pictures and data.

        Raises
        ------
        ImportError
            If matplotlib, Jinja2 or Pygments is not installed.
        ValueError
            If the data are not those of a study; the message names the place and the fault.

        Examples
        --------
        >>> import fastgd
        >>> fastgd.study(quick=True, sections=["descents"], quiet=True).to_html()[:15]
        '<!DOCTYPE html>'
        """
        return page.render(self.data)

    def save(self, path: str | Path) -> None:
        """Write the page, or the data alone if the path ends in .json.

        Parameters
        ----------
        path : str or Path
            A file in a folder that exists; a file of that name is replaced.

        Examples
        --------
        >>> import fastgd, tempfile
        >>> found = fastgd.study(quick=True, sections=["descents"], quiet=True)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     found.save(f"{folder}/study.json")
        ...     fastgd.report.Study.load(f"{folder}/study.json").data == found.data
        True
        """
        path = Path(path)
        text = f"{format_json(self.data)}\n" if path.suffix == ".json" else self.to_html()
        write_text(path, text)

    def to_slides(self) -> str:
        """Return the study as slides for a lecture, in one file.

        The slides work offline and by keys, buttons and swipes; printed, each has a page. Those of the steps of the
        ladder and of learning rates need the sections "ladder" and "descents"; a study without them has fewer slides.

        Returns
        -------
        str
            HTML that contains its styles, script and pictures.

        Raises
        ------
        ImportError
            If matplotlib, Jinja2 or Pygments is not installed.
        ValueError
            If the data are not those of a study; the message names the place and the fault.

        Examples
        --------
        >>> import fastgd
        >>> fastgd.study(quick=True, sections=["descents"], quiet=True).to_slides().count('<section class="slide"')
        10
        """
        return slides.render_slides(self.data)

    def save_slides(self, path: str | Path) -> None:
        """Write the slides.

        Parameters
        ----------
        path : str or Path
            A file in a folder that exists; a file of that name is replaced.

        Examples
        --------
        >>> import fastgd, tempfile
        >>> from pathlib import Path
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     fastgd.study(quick=True, sections=["descents"], quiet=True).save_slides(f"{folder}/slides.html")
        ...     [path.name for path in Path(folder).iterdir()]
        ['slides.html']
        """
        write_text(Path(path), self.to_slides())

    @classmethod
    def load(cls, path: str | Path) -> "Study":
        """Return the study that `save` wrote as JSON.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        Study
            With the data of the file.

        Raises
        ------
        ValueError
            If the file is not one that `save` writes; the message names the file, the place and the fault.
        OSError
            If the file cannot be read.

        Examples
        --------
        >>> import fastgd, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     fastgd.study(quick=True, sections=["descents"], quiet=True).save(f"{folder}/study.json")
        ...     fastgd.report.Study.load(f"{folder}/study.json").data["settings"]["quick"]
        True
        """
        return cls(read_study(Path(path)))


def format_json(data: dict[str, Any]) -> str:
    """Return the data as JSON with a line for each part; NaN and infinity are errors, since JSON lacks them.

    Other letters than those of ASCII are escapes: a terminal obeys some of them.
    """
    encode = json.JSONEncoder(allow_nan=False).encode
    return "{\n" + ",\n".join(f"{encode(name)}: {encode(part)}" for name, part in data.items()) + "\n}"
