"""The settings of a study: sections, sizes and rounds; and the steps of a section."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from fastgd.backends.cores import count_cores
from fastgd.backends.threads import count_members
from fastgd.inputs.words import quote

SECTIONS = ("ladder", "map", "roofline", "price", "descents")  # in the order of the page
SIZED = ("ladder", "map")  # the sections that have sizes
MOST_ELEMENTS = 25_000_000  # the largest X of a study: 200 MB
LOOP_ELEMENTS = 5_000_000  # the largest X of a loop over array scalars: 2.5 s an epoch
QUICK_SIZES = ((10, 100, 1_000, 10_000, 100_000), (1, 10, 100))
FULL_SIZES = ((10, 30, 100, 300, 1_000, 3_000, 10_000, 100_000, 1_000_000), (1, 3, 10, 30, 100, 300, 1_000))
QUICK_LADDER = ((1_000, 20), (20_000, 50))
FULL_LADDER = ((1_000, 20), (100_000, 50))

Sizes = tuple[tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True)
class Settings:
    """The settings of a study.

    Attributes
    ----------
    quick : bool
        True to measure fewer sizes in fewer rounds.
    sizes : pair of tuples of int, or None
        The numbers of samples and of features of the map; by default `QUICK_SIZES` or `FULL_SIZES`.
    sections : tuple of str
        The sections to measure, of `SECTIONS`.
    """

    quick: bool = False
    sizes: Sizes | None = None
    sections: tuple[str, ...] = SECTIONS

    @property
    def rounds(self) -> int:
        """The interleaved samples of each median."""
        return 5 if self.quick else 9

    @property
    def map_shapes(self) -> list[tuple[int, int]]:
        """The shapes of the map, without those that are too large."""
        samples, features = self.sizes or (QUICK_SIZES if self.quick else FULL_SIZES)
        return [(n, p) for n in samples for p in features if n * p <= MOST_ELEMENTS]

    @property
    def ladder_shapes(self) -> list[tuple[int, int]]:
        """The shapes of the ladder: of given sizes, the largest shape that a Python loop can do."""
        if self.sizes is None:
            return list(QUICK_LADDER if self.quick else FULL_LADDER)
        possible = [shape for shape in self.map_shapes if shape[0] * shape[1] <= LOOP_ELEMENTS]
        return sorted(possible or self.map_shapes, key=lambda shape: shape[0] * shape[1])[-1:]

    @property
    def thread_counts(self) -> list[int]:
        """The numbers of threads of the limits: one, all cores, and those that the ladder's shapes can use."""
        used = (count_members(*shape, count_cores()) for shape in self.ladder_shapes)
        return sorted({1, count_cores(), *used})


@dataclass(frozen=True)
class Step:
    """A step of a section: a title for a progress bar, its estimated seconds, and a function that measures."""

    title: str
    seconds: float
    run: Callable[[], Any]


def shapes_of(data: dict[str, Any], section: str) -> list[dict[str, Any]]:
    """Return the entries of the shapes of a study's section; none where the section was not measured."""
    return list(data[section]["shapes"]) if section in data else []


def check_settings(quick: object, sizes: object, sections: object) -> Settings:
    """Return the settings that the arguments of `fastgd.study` ask for."""
    if not isinstance(quick, bool):
        raise TypeError(f"quick must be True or False; got {quote(quick)}")
    found = Settings(quick, check_sizes(sizes), check_sections(sections))
    if found.sizes and not set(SIZED) & set(found.sections):
        raise ValueError(
            f"sizes must go with the section {' or '.join(SIZED)}; got sections {', '.join(found.sections)}"
        )
    return found


def check_sizes(sizes: object) -> Sizes | None:
    """Return the numbers of samples and of features, each in increasing order."""
    if sizes is None:
        return None
    expected = "sizes must be a pair: numbers of samples and numbers of features, such as ((100, 10_000), (1, 10))"
    if not isinstance(sizes, Sequence) or isinstance(sizes, str) or len(sizes) != 2:
        raise ValueError(f"{expected}; got {quote(sizes)}")
    found = []
    for part in sizes:
        if not isinstance(part, Sequence) or isinstance(part, str) or not part:
            raise ValueError(f"{expected}; got {quote(sizes)}")
        if any(isinstance(number, bool) or not isinstance(number, Integral) or number < 1 for number in part):
            raise ValueError(f"{expected}, whole numbers from 1 up; got {quote(sizes)}")
        found.append(tuple(sorted({int(number) for number in part})))  # plain, for JSON
    if found[0][0] * found[1][0] > MOST_ELEMENTS:
        raise ValueError(f"sizes must have a shape of at most {MOST_ELEMENTS:,} elements; got {quote(sizes)}")
    return found[0], found[1]


def check_sections(sections: object) -> tuple[str, ...]:
    """Return the chosen sections in the order of the page; None chooses all."""
    if sections is None:
        return SECTIONS
    asked = [sections] if isinstance(sections, str) else sections
    if not isinstance(asked, Sequence) or not asked or any(name not in SECTIONS for name in asked):
        raise ValueError(f"sections must be one or more of {', '.join(SECTIONS)}; got {quote(sections)}")
    return tuple(name for name in SECTIONS if name in asked)
