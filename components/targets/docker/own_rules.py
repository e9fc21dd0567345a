"""PromQL of the stack's settings, judged by promtool before anything is touched."""

from __future__ import annotations

import docker.errors

from components.alerts import app, own
from components.rendering import render_text
from components.settings import Settings, SettingsError
from components.targets.docker import engine, images

FOLDER, FILE = "/tmp", "rules.yml"  # noqa: S108 - inside a container that runs for a moment
PATIENCE_S = 30


def check(settings: Settings, where: str) -> None:
    """Raise ``SettingsError`` with promtool's words. Where the image is not there yet Prometheus' own member judges."""
    monitoring = settings.monitoring
    changed = monitoring.answer_times != type(monitoring)().answer_times
    if not monitoring.enabled or not (monitoring.alerts or monitoring.records or changed):
        return
    rules = render_text("prometheus/rules.yml.j2", {"groups": [app.group(settings, ()), own.group(settings, ())]})
    try:
        code, said = _judge(images.reference("prometheus", settings.images), rules)
    except docker.errors.ImageNotFound:
        return
    if code:
        raise SettingsError(f"{where}: evenkeel:monitoring: promtool refuses the rules:\n{said}\nNothing was changed. "
                            "Next: correct `alerts`, `records` or `answer_times`.")


def _judge(image: str, rules: str) -> tuple[int, str]:
    container = engine.client().containers.create(
        image, ["promtool", "check", "rules", f"{FOLDER}/{FILE}"], entrypoint=[], network_mode="none",
        labels={"evenkeel.helper": "rules"})
    try:
        container.put_archive(FOLDER, engine.archive([engine.PlacedFile(FILE, rules.encode(), 0o444, 0)]))
        container.start()
        code = int(container.wait(timeout=PATIENCE_S)["StatusCode"])
        return code, container.logs().decode(errors="replace").strip()
    finally:
        container.remove(force=True)
