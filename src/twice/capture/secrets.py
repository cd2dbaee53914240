"""What must never be recorded?  Credentials in URLs, command lines and values, and files that hold some.

In: a URL, the words of a command, a named value, a path. Out: the same without what is secret (`***` in its place), or
whether a file's name gives it away. Pure, and by form alone: nothing is read, nothing is guessed from how random a text
looks, so that hashes, git ids, UUIDs and model names survive. Two signs are trusted:

- a name that asks for a secret: `password`, `api_key`, `hf_token`; not `max_tokens`, `pad_token`, `sort_key`;
- a value in a form that an issuer gives to its secrets alone: `ghp_…`, `AKIA…`, a JSON Web Token, a private key's PEM
  block, the user part of a URL.

A secret that shows neither sign (the 40 hexadecimal digits of an old W&B key, given without a name) is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

MASK = "***"

# ------------------------------------------------------------------------------------------------------------ names

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_ALWAYS = frozenset({"password", "passwd", "passphrase", "secret"})
"""A name that ends in one of these asks for a secret, whatever stands before it; even a number is one then."""

_TOGETHER = frozenset({"apikey", "authtoken", "accesstoken", "apitoken", "secretkey", "accesskey", "apisecret"})

_BEFORE_KEY = frozenset(
    {"api", "access", "account", "auth", "encryption", "secret", "signing", "storage", "subscription"}
)

_BEFORE_PASS = frozenset({"admin", "db", "database", "ftp", "http", "mysql", "pg", "postgres", "root", "smtp", "user"})

# "token" is two words in one: a credential, and a piece of text. What stands before it decides.
_BEFORE_TOKEN = frozenset(
    """
    access api app auth azure bearer bot cf comet csrf dagshub databricks deploy discord gh git github gitlab hf hub
    huggingface id jira jwt kaggle login mlflow neptune npm oauth openai personal private pypi read refresh registry
    replicate secret security service session slack telegram upload user vault wandb write
    """.split()  # noqa: SIM905 (a list of names reads best as one)
)

_NOT_A_SECRET = frozenset({"", "true", "false", "yes", "no", "on", "off", "none", "null", MASK})


def is_secret_name(name: str) -> bool:
    """Whether an option, parameter or variable of this name asks for a secret: `--hf-token`, `db.password`."""
    return _asks_always(name) or _asks_mostly(name)


def _asks_always(name: str) -> bool:
    words = _words(name)
    return bool(words) and (
        words[-1] in _ALWAYS or (words[-1] == "pass" and words[-2:-1] != [] and words[-2] in _BEFORE_PASS)
    )


def _asks_mostly(name: str) -> bool:
    """As a name of a token or key: a small number or a yes/no under it is a setting, not the secret."""
    words = _words(name)
    if not words:
        return False
    last, before = words[-1], words[-2] if len(words) > 1 else None
    if last in _TOGETHER:
        return True
    if last == "token":
        return before is None or before in _BEFORE_TOKEN
    if last == "pat":
        return before in ("github", "gh", "gitlab", "git", "azure", "databricks")
    return last == "key" and before in _BEFORE_KEY


def _words(name: str) -> list[str]:
    """The words of the last part of a dotted name, lower case."""
    return [word.lower() for word in _WORDS.findall(name.rpartition(".")[2])]


# ----------------------------------------------------------------------------------------------------------- values

_SHORTEST_ISSUED = 15


@cache
def _issued() -> re.Pattern[str]:
    return re.compile(
        r"""
    (?<![A-Za-z0-9])(?:
        gh[pousr]_[A-Za-z0-9]{30,}                                  # GitHub
      | github_pat_[A-Za-z0-9_]{20,}
      | gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|oas)-[\w-]{20,}    # GitLab
      | hf_[A-Za-z0-9]{30,}                                         # Hugging Face
      | sk-(?:proj|ant|svcacct|admin|or)-[\w-]{20,}                 # OpenAI, Anthropic, OpenRouter
      | sk-[A-Za-z0-9]{32,}
      | (?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}                 # Stripe
      | gsk_[A-Za-z0-9]{40,}                                        # Groq
      | r8_[A-Za-z0-9]{37}                                          # Replicate
      | (?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}                         # AWS
      | xox[a-z]-[A-Za-z0-9-]{10,} | xapp-\d-[A-Za-z0-9-]{10,}      # Slack
      | AIza[\w-]{35} | ya29\.[\w-]{20,} | GOCSPX-[\w-]{20,}        # Google
      | pypi-AgE[\w-]{40,} | npm_[A-Za-z0-9]{36}                    # package registries
      | dckr_pat_[\w-]{20,}                                         # Docker
      | do[opr]_v1_[a-f0-9]{64}                                     # DigitalOcean
      | dapi[0-9a-f]{32}                                            # Databricks
      | SG\.[\w-]{16,}\.[\w-]{16,}                                  # SendGrid
      | hv[sb]\.[\w-]{20,}                                          # Vault
      | \d{8,10}:AA[\w-]{33}                                        # Telegram
      | AGE-SECRET-KEY-1[0-9A-Z]{50,}                               # age
      | eyJ[\w-]{8,}\.eyJ[\w-]{4,}\.[\w-]{4,}                       # JSON Web Token (RFC 7519)
    )
    | -----BEGIN\ (?:[A-Z0-9]+\ )*PRIVATE\ KEY(?:\ BLOCK)?-----
      (?:[\s\S]*?-----END\ [A-Z0-9 ]*PRIVATE\ KEY(?:\ BLOCK)?-----|[\s\S]*)
    """,
        re.VERBOSE,
    )


_HEADER = r"(?i)\b((?:proxy-)?authorization\s*[:=]\s*|bearer\s(?=\S{16}))((?:bearer|basic|token)\s+)?[\w.~+/=-]{8,}"
_CHAT_HOOK = r"(https://(?:hooks\.slack\.com/services|discord(?:app)?\.com/api/webhooks)/)[\w/-]+"

# `"api_key": "…"`, `password='…'`: a named value somewhere inside a word (JSON, Hydra overrides, code given to -c).
_QUOTED = r"""(?<![\w.-])([\w.-]{1,100})(["']?\s*[:=]\s*)(["'])([^"'\s]{4,})\3"""
# `?token=…`, `host=db password=…`, `AccountKey=…;`: the same, bare. A call or an index after the value is code.
_BARE = r"""(?:(?<=[?&;,\s])|^)([\w.-]{1,100})(=)()([^\s&;,"'()\[\]{}]+)(?=[\s&;,]|$)"""

# The user part reaches to the last `@` of the authority: a password may hold one. `image@sha256:…` is a digest.
_USER = r"""([A-Za-z][A-Za-z0-9+.-]{0,30}://)([^\s/?#"'<>]*)@(?!sha\d+:)"""
_VARIABLE = re.compile(r"\$\{[A-Za-z_]\w*\}")  # `${TOKEN}`: a name, not the secret; pip keeps and expands it


def cut_credentials(url: str) -> str:
    """The URL without the user and password in it, and without signed query parameters.

    What is no secret and is needed to reach the place stays: the `git` of `ssh://git@host/…` and `git@host:path`, and
    `${VARIABLE}` references.
    """

    def cut(match: re.Match[str]) -> str:
        scheme, (user, _, password) = match[1], match[2].partition(":")
        if _VARIABLE.fullmatch(user) or _VARIABLE.fullmatch(password):
            return match[0]
        return f"{scheme}{user}@" if user and "ssh" in scheme and not _issued().search(user) else scheme

    without = re.sub(_USER, cut, url)
    head, mark, query = without.partition("?")
    if not mark:
        return without
    query, hash_mark, fragment = query.partition("#")
    kept = [pair for pair in query.split("&") if not _signs(pair.partition("=")[0])]
    return head + ("?" + "&".join(kept) if kept else "") + hash_mark + fragment


def _signs(name: str) -> bool:
    return is_secret_name(name) or name.lower() in (
        "sig",
        "signature",
        "x-amz-signature",
        "x-goog-signature",
        "x-amz-credential",
    )


def mask_text(text: str) -> str:
    """The text with every part that looks like a secret replaced by `***`."""
    if len(text) < 8:
        return text
    # What each form cannot do without is looked for first: most text has none of it, and needs none of the patterns.
    masked = text if len(text) < _SHORTEST_ISSUED else _issued().sub(MASK, text)
    lower = masked.lower()
    if "authorization" in lower or "bearer" in lower:
        masked = re.sub(_HEADER, lambda match: match[1] + (match[2] or "") + MASK, masked)
    if "://" in masked:
        masked = re.sub(_CHAT_HOOK, lambda match: match[1] + MASK, masked)
        masked = re.sub(_USER, _mask_user, masked)
    if "=" in masked or ":" in masked:
        masked = re.sub(_BARE, _mask_named, re.sub(_QUOTED, _mask_named, masked))
    return masked


def _mask_user(match: re.Match[str]) -> str:
    scheme, (user, colon, password) = match[1], match[2].partition(":")
    if _VARIABLE.fullmatch(user) or _VARIABLE.fullmatch(password):
        return match[0]
    if colon:
        return f"{scheme}{user}:{MASK}@"
    # Over http a lone user is a token; over ssh, s3 and docker it is a name.
    return f"{scheme}{MASK}@" if scheme.lower().endswith(("http://", "https://")) else match[0]


def _mask_named(match: re.Match[str]) -> str:
    name, between, quote, value = match.groups()
    return f"{name}{between}{quote}{_mask_under(name, value)}{quote}"


def _mask_under(name: str, value: str) -> str:
    """The value as it may be shown under this name."""
    if value.lower() in _NOT_A_SECRET or _VARIABLE.fullmatch(value):
        return value
    if _asks_always(name) or (_asks_mostly(name) and not _is_number(value)):
        return MASK
    return value


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?\d{1,9}(?:\.\d*)?(?:[eE][+-]?\d+)?", text) is not None


def mask_argv(argv: Iterable[str]) -> tuple[str, ...]:
    """The words of a command with every secret among them replaced by `***`.

    Covers `--api-key VALUE`, `--api-key=VALUE`, `model.api_key=VALUE`, `WANDB_API_KEY=VALUE`, and words that hold one
    inside.
    """
    masked: list[str] = []
    asked: str | None = None  # the option that the word before named, when its value is still to come
    for word in argv:
        if asked is not None and not word.startswith("--"):
            shown = _mask_under(asked, word)
            masked.append(shown if shown != word else mask_text(word))
            asked = None
            continue
        option, equals, value = word.partition("=")
        asked = option if option.startswith("--") and not equals and is_secret_name(option) else None
        if equals and re.fullmatch(r"[-+]*[\w.@/-]+", option) and (shown := _mask_under(option, value)) != value:
            masked.append(f"{option}={shown}")
        else:
            masked.append(mask_text(word))
    return tuple(masked)


def mask_value(name: str, value: Any) -> Any:
    """The value of a parameter or variable as it may be recorded; lists and mappings are masked item by item."""
    if isinstance(value, Mapping):
        return mask_params(value)
    if isinstance(value, (list, tuple)):
        return [mask_value(name, item) for item in value]
    if isinstance(value, str):
        shown = _mask_under(name, value)
        return shown if shown != value else mask_text(value)
    if value is not None and not isinstance(value, bool) and _asks_always(name):
        return MASK
    return value


def mask_params(values: Mapping[str, Any]) -> dict[str, Any]:
    """The params with every secret among them replaced by `***`; names and nesting stay."""
    return {name: mask_value(str(name), value) for name, value in values.items()}


# ------------------------------------------------------------------------------------------------------------ files

_FILES = frozenset(
    """
    .env .envrc .netrc _netrc .pypirc .pgpass .my.cnf .htpasswd .git-credentials .dockercfg .boto .s3cfg rclone.conf
    .secrets .vault-token .vault_pass kaggle.json kubeconfig credentials.json application_default_credentials.json
    secrets.yaml secrets.yml secrets.json secrets.toml secrets.ini secrets.env
    """.split()  # noqa: SIM905 (a list of names reads best as one)
)
_FILES_IN = frozenset(
    {
        (".aws", "credentials"),
        (".docker", "config.json"),
        (".kube", "config"),
        (".azure", "accesstokens.json"),
        (".azure", "msal_token_cache.json"),
        (".huggingface", "token"),
        ("huggingface", "token"),
        ("huggingface", "stored_tokens"),
        (".modal", "token"),
    }
)
_PRIVATE_KEYS = ("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519")  # the name begins so
_KEYS_IN_JSON = ("service-account", "service_account", "serviceaccount", "client_secret", "client-secret")  # so, too
_CREDENTIALS_IN_JSON = ("-credentials.json", "_credentials.json")
_KEY_STORES = (".p12", ".pfx", ".jks", ".keystore", ".ppk", ".p8", ".kdbx", ".agekey")
_EXAMPLES = frozenset({"example", "sample", "template", "dist", "default", "defaults", "schema"})
_PUBLIC = frozenset(
    {
        "ca",
        "cacert",
        "cacerts",
        "cert",
        "certs",
        "certificate",
        "certificates",
        "chain",
        "fullchain",
        "bundle",
        "root",
        "roots",
        "pub",
        "public",
        "dhparam",
        "dhparams",
        "crt",
    }
)


def is_secret_file(path: str) -> bool:
    """Whether a file's name says that it holds credentials.  By name alone: the file is not read.

    `.env` and `.env.<anything>` but not `.env.example`; private keys (`id_ed25519`, `*.pem` and `*.key` unless the name
    says certificate or public); key stores (`*.p12`, `*.keystore`, …); the files in which well-known tools keep their
    credentials (`.netrc`, `.pypirc`, `.aws/credentials`, `kaggle.json`, `service-account*.json`, …).
    """
    *folders, name = path.lower().replace("\\", "/").split("/")
    words = set(re.split(r"[^a-z0-9]+", name))
    if words & _EXAMPLES:
        return False
    if name in _FILES or name.startswith(".env."):
        return True
    if folders and (folders[-1], name) in _FILES_IN:
        return True
    if name.endswith(".pub"):
        return False
    if name.endswith((".pem", ".key")):
        return not words & _PUBLIC
    if name.endswith((*_KEY_STORES, *_CREDENTIALS_IN_JSON)) or name.startswith(_PRIVATE_KEYS):
        return True
    return name.startswith(_KEYS_IN_JSON) and name.endswith(".json")
