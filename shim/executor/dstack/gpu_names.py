"""GPU types as sites write them (``a100-80g``, ``nvidia_h100_80gb_hbm3``, ``rtx_4090``) in dstack's names.

dstack compares names exactly, so a name it does not know would wait for ever; such names are refused here, unless
the site's own table or a host of its fleets has them.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shim.executor.dstack.errors import NotExpressible

MEMORY_SIZES: Mapping[str, tuple[int, ...]] = {
    "A10": (24,), "A16": (16,), "A40": (48,), "A100": (40, 80), "A10G": (24,), "A4000": (16,), "A4500": (20,),
    "A5000": (24,), "A6000": (48,), "B200": (180,), "B300": (270,), "GB200": (186,), "GB300": (270,),
    "GH200": (96,), "H100": (80,), "H100NVL": (94,), "H200": (141,), "H200NVL": (141,), "L4": (24,), "L40": (48,),
    "L40S": (48,), "P100": (16,), "T4": (16,), "V100": (16, 32),
    "RTX2060": (6, 12), "RTX2060SUPER": (8,), "RTX2070": (8,), "RTX2070SUPER": (8,), "RTX2080": (8,),
    "RTX2080SUPER": (8,), "RTX2080Ti": (11,), "RTX3050": (6, 8), "RTX3060": (8, 12), "RTX3060Ti": (8,),
    "RTX3070": (8,), "RTX3070Ti": (8,), "RTX3080": (10,), "RTX3080Ti": (12,), "RTX3090": (24,), "RTX3090Ti": (24,),
    "RTX4060": (8,), "RTX4060Ti": (8, 16), "RTX4070": (12,), "RTX4070SUPER": (12,), "RTX4070Ti": (12,),
    "RTX4070TiSUPER": (16,), "RTX4080": (16,), "RTX4080SUPER": (16,), "RTX4090": (24,), "RTX5060": (8,),
    "RTX5060Ti": (8, 16), "RTX5070": (12,), "RTX5070Ti": (16,), "RTX5080": (16,), "RTX5090": (32,), "RTX6000": (24,),
    "RTX2000Ada": (16,), "RTX4000Ada": (20,), "RTX6000Ada": (48,), "RTXPRO4500": (32,), "RTXPRO6000": (96,),
    "MI100": (32,), "MI210": (64,), "MI250": (128,), "MI250X": (128,), "MI300A": (128,), "MI300X": (192,),
    "MI308X": (128,), "MI325X": (288,), "MI350X": (288,), "MI355X": (288,),
    "Gaudi": (32,), "Gaudi2": (96,), "Gaudi3": (128,),
}  # fmt: skip
"""The names dstack knows (its catalogue, gpuhunt) with the memory sizes they come in, in GB."""

_MIG = re.compile(r"\d+g\.\d+gb|(^|[-_:])mig([-_:]|$)", re.IGNORECASE)
_SEPARATOR = re.compile(r"[-_ .]+")
_MEMORY = re.compile(r"(?:hbm)?(\d+)(?:g|gb|gib)")
_NOISE = re.compile(
    r"nvidia|amd|intel|tesla|geforce|quadro|instinct|habana|generation|blackwell|server|workstation|edition"
    r"|sxm\d?|pcie|pci|hbm\d*e?|hgx|dgx|gpu"
)


@dataclass(frozen=True, slots=True)
class GpuType:
    """A GPU model in dstack's spelling; ``memory`` is the least it must have, in GB, 0 for any."""

    name: str
    memory: int = 0


def gpu_type(text: str, synonyms: Mapping[str, str] = {}, known: Iterable[str] = ()) -> GpuType:
    """The GPU type that a site calls ``text``.

    ``synonyms`` is the site's own table (``volta32gb`` to ``V100:32GB``) and comes first; ``known`` are names beyond
    dstack's catalogue, those that hosts of the fleets report. Raises NotExpressible for the rest and for MIG slices.
    """
    if text.lower() in synonyms:
        model, _, memory = synonyms[text.lower()].partition(":")
        return GpuType(model, int(memory.upper().removesuffix("GB") or 0))
    if _MIG.search(text):
        raise NotExpressible(f"GPU type {text}: dstack hands out whole GPUs, no MIG slices")
    words = [word for word in _SEPARATOR.split(text.lower()) if word and not _NOISE.fullmatch(word)]
    sizes = [int(found[1]) for word in words if (found := _MEMORY.fullmatch(word))]
    names = {_key(name): name for name in (*known, *MEMORY_SIZES)}
    model = "".join(word for word in words if not _MEMORY.fullmatch(word))
    for spelling, size in _spellings(model):
        if name := names.get(spelling):
            return GpuType(name, _known_size(name, sizes[0] if sizes else size))
    raise NotExpressible(f"GPU type {text} is not one that dstack knows; gpu_types in the configuration can name it")


def _key(name: str) -> str:
    return name.lower().replace("-", "")


def _spellings(model: str) -> Iterable[tuple[str, int]]:
    """What a model may be called in dstack's catalogue, each with the memory that the spelling itself holds."""
    yield model, 0
    yield model.replace("rtxa", "a", 1), 0  # RTX A6000
    yield f"rtx{model}", 0  # 4090, 2080ti
    yield re.sub(r"^(?:rtx)?a?(\d+ada)$", r"rtx\1", model), 0  # a6000_ada, 6000 Ada
    if found := re.fullmatch(r"(a100|v100|p100|h100|h200)(\d\d\d?)", model):  # a100-80
        yield found[1], int(found[2])


def _known_size(name: str, size: int) -> int:
    """Memory is asked for only where the model comes in several sizes: elsewhere a name may hold another figure."""
    sizes = MEMORY_SIZES.get(name, ())
    if len(sizes) < 2 or not size:
        return 0
    # Vendors round: 80 is 79.something, 12 is 11.9; the next size that is not smaller is meant.
    return min((known for known in sizes if known >= size), default=sizes[-1])
