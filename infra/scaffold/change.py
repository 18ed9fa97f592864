"""What a command has done to the checkout so far, and the way back."""

import shutil
from pathlib import Path
from types import TracebackType
from typing import Self


class Change:
    """All of it or nothing: what appeared, moved or was written is undone when the block raises."""

    def __init__(self) -> None:
        self._moved: list[tuple[Path, Path]] = []
        self._watched: list[tuple[Path, set[Path]]] = []
        self._edited: dict[Path, bytes] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if error is None:
            return
        for folder, before in self._watched:
            for path in set(folder.iterdir()) - before:
                _remove(path)
        for file, content in self._edited.items():
            file.write_bytes(content)
        for source, target in reversed(self._moved):
            if target.exists():
                target.rename(source)

    def move(self, source: Path, target: Path) -> None:
        """Put a folder where there is none, in one step."""
        self._moved.append((source, target))
        source.rename(target)

    def watch(self, folder: Path) -> None:
        """From now on, what appears in the folder is part of the change."""
        self._watched.append((folder, set(folder.iterdir())))

    def edit(self, file: Path) -> None:
        """From now on, what is written to the file is part of the change."""
        self._edited[file] = file.read_bytes()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
