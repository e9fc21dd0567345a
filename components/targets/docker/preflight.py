"""What only this machine can say about the settings: asked before anything is touched."""

from __future__ import annotations

import docker.errors

from components.settings import Settings, SettingsError, TargetName
from components.targets.docker import engine, engine_socket, images, own_rules, ports


def check(stack: str, settings: Settings, where: str) -> None:
    """Raise ``SettingsError`` when the target is another one, the engine can't be reached or not by a socket that
    supervisors may use, a port is taken, an image is missing or a rule is wrong."""
    if settings.target is not TargetName.DOCKER:
        raise SettingsError(f"{where}: evenkeel:target: {settings.target.value}: its manifests are rendered and "
                            "validated in the tests, but this version does not deploy them yet.\nNothing was changed. "
                            f"Next: `pulumi config set target docker`, or take the line out of {where}.")
    try:
        engine.client().ping()
    except docker.errors.DockerException as error:
        raise SettingsError(f"The Docker engine can't be reached: {error}\nNothing was changed. Next: `make up` starts "
                            "it where it may; or start it (`systemctl start docker`) and see that `docker info` "
                            "answers for your user.") from None
    if settings.supervision.enabled:
        engine_socket.group()
    wanted: dict[str, int] = {}
    nginx = settings.edge.nginx
    for ordinal in range(nginx.members):
        for key, first in (("https_port", nginx.https_port), ("http_port", nginx.http_port)):
            wanted[f"evenkeel:edge.nginx.{key}" + (f" + {ordinal}" if ordinal else "")] = first + ordinal
    ports.check(stack, settings.network.address, wanted, where)
    for key, image in settings.images_in_use().items():
        images.check(images.reference(image, settings.images), key, where)
    own_rules.check(settings, where)
