"""The webhooks that are read by mapping files, as the settings name them."""

import re
from pathlib import Path

from fastapi import FastAPI
from pydantic import SecretStr

from services.interactions.hooks.mapped import MappedHook
from services.interactions.routes.events import NEED_ADMIN
from services.interactions.settings import InteractionsSettings
from shared.http.hooks import begin_hooks
from shared.mapping.file import load_mapping
from shared.runtime.config import ConfigError
from shared.runtime.webhooks import signing_keys

CHAT = Path(__file__).parents[1] / "mappings" / "chat.yaml"
TAKEN = ("chat", "delivery", "shopify", "woocommerce")
"""Names of hooks that mean something else."""


def open_hooks(app: FastAPI, settings: InteractionsSettings) -> None:
    """Give the app its hooks. Raises ``ConfigError``."""
    app.state.hooks = load_hooks(settings)
    begin_hooks(app.state.hooks)


def load_hooks(settings: InteractionsSettings) -> dict[str, MappedHook]:
    """The hooks by name: the chat's, where it has a secret, and one for each file of the folder. Raises
    ``ConfigError``."""
    hooks: dict[str, MappedHook] = {}
    if settings.chat_secret is not None:
        hooks["chat"] = _hook("chat", settings.chat_map or CHAT, settings.chat_secret)
    folder = settings.hooks
    if folder is not None and not folder.is_dir():
        raise ConfigError(f"There is no folder of mappings {folder}.")
    for file in sorted(folder.glob("*.yaml")) if folder is not None else ():
        name = file.stem
        if name in TAKEN or re.fullmatch("[a-z0-9-]{1,40}", name) is None:
            raise ConfigError(f"The mapping {file} needs another name, of a-z, digits and hyphens.")
        secret = settings.hook_secrets.get(name)
        if secret is None:
            raise ConfigError(f"RAPPORT_HOOK_SECRETS must say what hook {name} is signed with.")
        hooks[name] = _hook(name, file, secret)
    return hooks


def _hook(name: str, file: Path, secret: SecretStr) -> MappedHook:
    mapper = load_mapping(file).over()
    for data in mapper.types:
        if issubclass(data, NEED_ADMIN):
            raise ConfigError(f"The mapping {file} makes {data.event_type}, which needs the scope admin.")
    return MappedHook(name, signing_keys(secret), mapper)
