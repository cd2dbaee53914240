"""Which opened files are never a run's data?  What the interpreter, the system and tools read and write for themselves.

Pure: paths in, yes or no out. Inside the repository only git's and Python's own files, and an environment that lives
there, are noise. Outside of it so are: interpreters and installed packages, the system's folders, shared libraries, fonts,
and what tools keep in hidden folders of the home folder; but caches of data sets and models are data.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

_EVERYWHERE = re.compile(
    r"/(\.git|__pycache__|site-packages|dist-packages|\.ipynb_checkpoints|\.(pytest|mypy|ruff)_cache|\.hypothesis"
    r"|[^/]*\.(egg|dist)-info|pyvenv\.cfg|\.git(ignore|attributes|modules|keep)|\.DS_Store|Thumbs\.db)(/|$)"
    r"|\.py[co]$"
)
_OUTSIDE = re.compile(
    r"\.(so(\.[\d.]+)?|dylib|dll|pyd|ttf|ttc|otf|afm|pfb|pfm)$"
    r"|/(torchinductor_|torch_extensions|pymp-|joblib_memmapping_folder|matplotlib-|\.X11|\.org\.chromium)[^/]*(/|$)"
    r"|/lib(64)?/python\d(\.\d+t?)?/|/fontconfig/|/fontlist-v\d+\.json$"
)
_SYSTEM = (
    "/proc/", "/sys/", "/dev/", "/etc/", "/run/", "/boot/", "/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/",
    "/usr/bin/", "/usr/sbin/", "/usr/lib", "/usr/include/", "/usr/share/", "/usr/src/",
    "/usr/local/bin/", "/usr/local/sbin/", "/usr/local/lib", "/usr/local/include/", "/usr/local/share/", "/usr/local/etc/",
    "/usr/local/cuda", "/opt/cuda", "/opt/rocm", "/opt/intel/", "/opt/homebrew/", "/opt/local/",
    "/var/lib/", "/var/cache/", "/var/log/", "/var/run/", "/nix/store/", "/gnu/store/", "/snap/",
    "/System/", "/Library/", "/private/etc/", "/private/var/db/",
    "C:/Windows/", "C:/Program Files", "C:/ProgramData/",
)  # fmt: skip
_SYSTEM_DATA = ("/usr/share/nltk_data/", "/usr/local/share/nltk_data/", "/usr/share/dict/")
_TEMPORARY = ("/tmp/", "/var/tmp/", "/private/tmp/", "/private/var/folders/", "/var/folders/")

# Below the user's cache folder, below the home folder, and where the user says.
_DATA_CACHES = (
    "huggingface/", "torch/", "torch_geometric/", "keras/", "kagglehub/", "openml/", "scikit-learn/", "seaborn/", "clip/",
    "whisper/", "gensim/", "fastai/", "fairseq/", "tensorflow_datasets/", "tfhub_modules/", "pooch/", "vega_datasets/",
)  # fmt: skip
_HOME_DATA = (
    ".keras/datasets/", ".keras/models/", ".medmnist/", ".surprise_data/", ".fastai/", ".mxnet/", ".dgl/", ".data/",
    ".kaggle/competitions/", ".kaggle/datasets/", ".insightface/", ".EasyOCR/", ".u2net/", ".paddleocr/",
)  # fmt: skip
_DATA_VARIABLES = (
    "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_DATASETS_CACHE", "TRANSFORMERS_CACHE", "TORCH_HOME",
    "KERAS_HOME", "SCIKIT_LEARN_DATA", "KAGGLEHUB_CACHE", "NLTK_DATA", "TFDS_DATA_DIR", "TFHUB_CACHE_DIR",
)  # fmt: skip
# What those caches keep for themselves: tokens, locks, marks of what is not there, compiled kernels.
_CACHE_NOISE = re.compile(
    r"/(token|stored_tokens|version\.txt|\.locks|\.no_exist|CACHEDIR\.TAG|kernels|inductor|xet|modules)(/|$)"
    r"|/huggingface/.*/refs/|\.(lock|incomplete)$"
)


class Noise:
    """Tells data from noise, by absolute paths with `/` (a Windows path with its drive first)."""

    def __init__(
        self,
        root: str,
        *,
        own: Iterable[str] = (),
        prefixes: Iterable[str] = (),
        data: Iterable[str] = (),
        home: str | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """`own`: our folders and git's; `prefixes`: of interpreters and environments, as they reported them.

        `data`: folders that hold data wherever they lie, such as what stands for the surroundings of the repository.
        """
        variables = variables or {}
        self._root = _folder(root)
        self._own = tuple(map(_folder, own))
        self._data = tuple(map(_folder, data))
        prefixes = [_folder(prefix) for prefix in prefixes if prefix]
        self._inner_prefixes = tuple(
            prefix for prefix in prefixes if prefix.startswith(self._root) and prefix != self._root
        )
        # An interpreter in /usr says prefix /usr, one in a container may say /: what is noise there is known without it.
        self._prefixes = tuple(prefix for prefix in prefixes if prefix.count("/") > 2)
        self.home = home
        self._home = _folder(home) if home else None
        caches = [variables.get("XDG_CACHE_HOME")]
        if home:
            caches += [f"{home}/.cache", f"{home}/Library/Caches", f"{home}/AppData/Local"]
        self._caches = tuple(_folder(cache) for cache in caches if cache)
        self._data_caches = tuple(cache + name for cache in self._caches for name in _DATA_CACHES)
        if self._home:
            self._data_caches += tuple(self._home + name for name in _HOME_DATA)
        self._data_caches += tuple(_folder(variables[name]) for name in _DATA_VARIABLES if variables.get(name))
        self._tools = (*self._caches, *((self._home + "Library/", self._home + "AppData/") if self._home else ()))

    def holds(self, path: str) -> bool:
        """Whether the file is noise, whatever was done with it."""
        if path.startswith(self._own) or _EVERYWHERE.search(path):
            return True
        if path.startswith(self._root):
            return path.startswith(self._inner_prefixes)
        if path.startswith(self._data):
            return path.startswith(self._prefixes)
        if path.startswith(self._data_caches):
            return _CACHE_NOISE.search(path) is not None
        if path.startswith(_SYSTEM):
            return not path.startswith(_SYSTEM_DATA)
        if path.startswith((*self._prefixes, *self._tools)) or _OUTSIDE.search(path):
            return True
        return self._home is not None and path.startswith(self._home + ".")

    def is_data_cache(self, path: str) -> bool:
        """Whether the file lies in a cache of data sets or models: what a run puts there it has fetched, not made."""
        return path.startswith(self._data_caches) and not path.startswith(self._root)

    def is_temporary(self, path: str) -> bool:
        """Whether the file lies where files are left that nobody needs."""
        return path.startswith(_TEMPORARY) and not path.startswith((self._root, *self._data))


def _folder(path: str) -> str:
    return os.path.normpath(path).replace(os.sep, "/").rstrip("/") + "/"
