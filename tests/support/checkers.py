"""A service's own checker, run over files in a folder: the host's binary, else the platform's image; never neither."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from operations.setup.images import image_tag


def judged(image: str, command: Sequence[str], folder: Path) -> str:
    """Output of ``command`` in ``folder``, which the checker may read; fails unless it exits with 0."""
    run, where = list(command), folder
    if not shutil.which(command[0]):
        user = f"--user={os.getuid()}:{os.getgid()}"
        run = ["docker", "run", "--rm", "--network=none", user, "--entrypoint=", f"--volume={folder}:/judged:ro",
               "--workdir=/judged", image_tag(image), *command]
    done = subprocess.run(run, check=False, cwd=where, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=120)
    assert done.returncode == 0, done.stdout
    return done.stdout
