"""Pyxis' container options in dstack's words."""

from collections.abc import Iterable

from shim.executor.dstack.errors import NotExpressible


def image_name(text: str) -> str:
    """``nvcr.io#nvidia/pytorch:24.01-py3``, ``docker://ubuntu`` or a plain image name as Docker writes it.

    Raises NotExpressible for a squash file (pyxis, ``--container-image``: a path holds a slash first).
    """
    name = text.removeprefix("docker://").removeprefix("dockerd://")
    if name.startswith(("/", "./", "../")) or name.endswith(".sqsh"):
        raise NotExpressible(f"--container-image={text}: dstack runs images of a registry, no squash files")
    registry, found, path = name.partition("#")
    return f"{registry.rpartition('@')[2]}/{path}" if found else name


def mounts(text: str) -> Iterable[str]:
    """``--container-mounts`` as volumes of dstack: SRC alone is the same path inside, ``rw`` is what they all are.

    Raises NotExpressible for other flags and for paths that are not absolute.
    """
    for mount in filter(None, text.split(",")):
        source, _, rest = mount.partition(":")
        target, _, flags = rest.partition(":")
        if flags not in ("", "rw"):
            raise NotExpressible(f"--container-mounts={mount}: dstack has no {flags} mounts")
        if not source.startswith("/") or not (target or source).startswith("/"):
            raise NotExpressible(f"--container-mounts={mount}: dstack mounts absolute paths of the host only")
        yield f"{source}:{target or source}"
