"""LAVIS's BLIP classes without what LAVIS asks for around them.

Only lavis.models' own files of BLIP are executed. The packages' __init__ files, which import every other model, are
passed over; modules that are not installed (omegaconf, torchvision, fairscale, ...) become empty ones whose names can be
imported and never do anything. Import this module before any of lavis.
"""

import collections.abc
import importlib
import importlib.abc
import importlib.machinery
import sys
import types
from pathlib import Path

ABSENT = {
    "cv2", "decord", "fairscale", "ftfy", "iopath", "omegaconf", "pandas", "torchvision", "webdataset",
}  # fmt: skip


class Nothing:
    """Stands for a class or function that is imported and must never run."""

    def __init__(self, *_args, **_kwargs):
        raise RuntimeError("a stub was used: this part of LAVIS is not installed")


class StubModule(types.ModuleType):
    __path__: list[str] = []

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (Nothing,), {})


class StubFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, fullname, path=None, target=None):
        if fullname.split(".")[0] not in ABSENT:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec):
        return StubModule(spec.name)

    def exec_module(self, module):
        pass


def install() -> None:
    sys.meta_path.append(StubFinder())
    # timm 0.4.12 takes the abstract containers from a module that torch has dropped.
    six = types.ModuleType("torch._six")
    six.container_abcs = collections.abc
    six.string_classes = (str, bytes)
    six.inf = float("inf")
    sys.modules["torch._six"] = six
    found = [place for place in sys.path if (Path(place) / "lavis/models/med.py").exists()]
    if not found:
        raise RuntimeError("salesforce-lavis is not installed: see README.md")
    root = Path(found[0])
    for name in ("lavis", "lavis.models", "lavis.models.blip_models"):
        package = types.ModuleType(name)
        package.__path__ = [str(root / name.replace(".", "/"))]
        sys.modules[name] = package
    # LAVIS's registry checks that what it registers is a model.
    sys.modules["lavis.models"].BaseModel = importlib.import_module("lavis.models.base_model").BaseModel


install()
