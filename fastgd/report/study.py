"""`fastgd.study`: measure section by section, and hold the result."""

import json
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from time import perf_counter
from typing import Any

from fastgd.bench.machine import describe_machine, describe_threads, describe_versions
from fastgd.bench.timing import EPOCHS_A_CALL
from fastgd.config import installed_version
from fastgd.report import descents, grid, ladder, price, roofline
from fastgd.report.progress import show_progress
from fastgd.report.settings import SECTIONS, Settings, Step, check_settings

SCHEMA = "fastgd.study"
SCHEMA_VERSION = 1
MEASURES: dict[str, Any] = {
    "ladder": ladder, "map": grid, "roofline": roofline, "price": price, "descents": descents
}  # fmt: skip


class Study:
    """What a study found; in a notebook it shows its page.

    Parameters
    ----------
    data : dict
        Plain values, as `save` writes them.

    Attributes
    ----------
    data : dict
        Plain values, as JSON has them: "machine", "versions", "threads", "settings", and one entry for each section.

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
        from fastgd.report.summary import summarize

        return "\n".join(summarize(self.data))

    def _repr_html_(self) -> str:
        # A frame keeps the page's styles and names apart from the notebook's.
        return f'<iframe title="fastgd study" srcdoc="{escape(self.to_html())}" width="100%" height="800"></iframe>'

    def to_html(self) -> str:
        """Return the page, complete in itself.

        Returns
        -------
        str
            HTML with styles, script, pictures and data in it.

        Raises
        ------
        ImportError
            If matplotlib, Jinja2 or Pygments is not installed.

        Examples
        --------
        >>> import fastgd
        >>> fastgd.study(quick=True, sections=["descents"], quiet=True).to_html()[:15]
        '<!DOCTYPE html>'
        """
        from fastgd.report.page import render

        return render(self.data)

    def save(self, path: str | Path) -> None:
        """Write the page, or with a path that ends in .json the data alone.

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
        path.write_text(text, encoding="utf-8")

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
            If the file is not what `save` writes.
        OSError
            If it cannot be read.

        Examples
        --------
        >>> import fastgd, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     fastgd.study(quick=True, sections=["descents"], quiet=True).save(f"{folder}/study.json")
        ...     fastgd.report.Study.load(f"{folder}/study.json").data["settings"]["quick"]
        True
        """
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except ValueError as error:  # of JSON, and of UTF-8
            raise ValueError(f"{path}: expected the JSON of a study (fastgd study --json); got {error}") from None
        found = (data.get("schema"), data.get("schema_version")) if isinstance(data, dict) else data
        if found != (SCHEMA, SCHEMA_VERSION):
            expected = f"a study of schema {SCHEMA} {SCHEMA_VERSION}"
            raise ValueError(f"{path}: expected {expected} (fastgd study --json); got {str(found)[:80]!r}")
        return cls(data)


def study(
    *,
    quick: bool = False,
    sizes: tuple[tuple[int, ...], tuple[int, ...]] | None = None,
    sections: list[str] | None = None,
    quiet: bool = False,
) -> Study:
    """Measure what vectorization, compilers, mathematics and step sizes buy on this machine.

    Parameters
    ----------
    quick : bool
        Fewer sizes and rounds: under a minute instead of under ten.
    sizes : pair of tuples of int, optional
        The numbers of samples, and of features, that the map has; combinations of more than 25 million numbers are left
        out. The ladder takes the largest of them that a Python loop can do. By default the study's own.
    sections : list of str, optional
        Some of "ladder", "map", "roofline", "price", "descents"; by default all.
    quiet : bool
        Whether to show no progress.

    Returns
    -------
    Study
        Its repr is a summary, in a notebook the whole page; `Study.save` writes that page, or the data as JSON.

    Raises
    ------
    TypeError, ValueError
        If an argument is not what is described above.

    Examples
    --------
    >>> import fastgd
    >>> found = fastgd.study(quick=True, sizes=((100, 1000), (5,)), sections=["map"], quiet=True)
    >>> [(entry["n_samples"], entry["n_features"]) for entry in found.data["map"]["shapes"]]
    [(100, 5), (1000, 5)]
    """
    settings = check_settings(quick, sizes, sections)
    plans = {name: MEASURES[name].plan(settings) for name in settings.sections}
    begin = perf_counter()
    found = run_steps(plans, quiet)
    measured = {name: MEASURES[name].gather(results) for name, results in found.items()}
    return Study(
        {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "command": describe_command(settings),
            "date": datetime.now(UTC).date().isoformat(),
            "seconds": perf_counter() - begin,
            "machine": describe_machine(),
            "versions": {"fastgd": installed_version("fastgd"), **describe_versions()},
            "threads": describe_threads(settings.thread_counts[-1]),
            "settings": {
                "quick": settings.quick,
                "rounds": settings.rounds,
                "order": "C",
                "dtype": "float64",
                "most_epochs_per_call": EPOCHS_A_CALL,
            },
            **measured,
        }
    )


def run_steps(plans: dict[str, list[Step]], quiet: bool) -> dict[str, list[Any]]:
    """Return what the steps of each section found."""
    found: dict[str, list[Any]] = {name: [] for name in plans}
    done = 0.0
    with show_progress(sum(step.seconds for steps in plans.values() for step in steps), quiet) as show:
        for name, steps in plans.items():
            for step in steps:
                show(step.title, done)
                found[name].append(step.run())
                done += step.seconds
    return found


def describe_command(settings: Settings) -> str:
    """Return the command that makes the same study."""
    parts = ["fastgd study"]
    if settings.quick:
        parts.append("--quick")
    if settings.sizes:
        parts.append("--sizes " + "x".join(",".join(map(str, part)) for part in settings.sizes))
    if settings.sections != SECTIONS:
        parts.append("--sections " + ",".join(settings.sections))
    return " ".join(parts)


def format_json(data: dict[str, Any]) -> str:
    """Return the data as JSON, a line for each part; NaN and infinity, which JSON lacks, are errors."""
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    return "{\n" + ",\n".join(f"{encode(name)}: {encode(part)}" for name, part in data.items()) + "\n}"
