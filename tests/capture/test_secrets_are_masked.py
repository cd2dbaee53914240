"""What looks like a secret is masked; what only resembles one survives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twice.capture.secrets import (
    MASK,
    cut_credentials,
    is_secret_file,
    is_secret_name,
    mask_argv,
    mask_params,
    mask_text,
    mask_value,
)

# Written in parts, so that no scanner takes this file itself for a leak.
GITHUB = "ghp" + "_" + "a1B2" * 9
HUGGING_FACE = "hf" + "_" + "aBcDeFgHiJ" * 3 + "kLmN"
JWT = "eyJ" + "hbGciOiJIUzI1NiJ9" + "." + "eyJ" + "zdWIiOiIxMjM0In0" + "." + "dBjftJeZ4CVP-mB92K27uhbUJU1p1r"
PEM = "-----BEGIN RSA PRIVATE" + " KEY-----\nMIIEow\n-----END RSA PRIVATE" + " KEY-----"

ISSUED = [
    GITHUB,
    "github" + "_pat_" + "11ABCDEFG0" + "abcdefghij" * 3,
    HUGGING_FACE,
    "sk-" + "proj-" + "abcdEFGH1234" * 3,
    "sk-" + "ant-api03-" + "abcdEFGH1234" * 3,
    "sk-" + "aB3d" * 12,
    "AKIA" + "IOSFODNN7EXAMPLE",
    "xoxb" + "-123456789012-abcdefGHIJKL",
    "glpat" + "-" + "x7_9" * 5,
    "AIza" + "SyD-9tSr" + "abcde12345" * 2 + "abcdefg",
    "pypi-" + "AgEIcHlwaS5vcmc" + "abcde12345" * 4,
    JWT,
    PEM,
]


@pytest.mark.parametrize("secret", ISSUED)
def test_a_value_in_an_issuers_form_is_masked_wherever_it_stands(secret: str) -> None:
    assert mask_text(secret) == MASK
    assert mask_argv(["train.py", secret, f"--note=see {secret} there"]) == (
        "train.py",
        MASK,
        f"--note=see {MASK} there",
    )
    assert mask_params({"a": {"b": [secret, 1]}}) == {"a": {"b": [MASK, 1]}}


@pytest.mark.parametrize(
    ("words", "masked"),
    [
        (["--api-key", "abc123"], ["--api-key", "***"]),
        (["--api_key=abc123", "--lr", "0.1"], ["--api_key=***", "--lr", "0.1"]),
        (["--apiKey=abc123"], ["--apiKey=***"]),
        (["--password", "1234"], ["--password", "***"]),
        (["--db-pass", "hunter2"], ["--db-pass", "***"]),
        (["--token", "abc"], ["--token", "***"]),
        (["--hf_token", "abc"], ["--hf_token", "***"]),
        (["--password", "-starts-with-dash"], ["--password", "***"]),
        (["--password", "--lr", "1"], ["--password", "--lr", "1"]),
        (["WANDB_API_KEY=0123456789abcdef", "python"], ["WANDB_API_KEY=***", "python"]),
        (["+logger.wandb.api_key=abcd"], ["+logger.wandb.api_key=***"]),
        (['{"lr": 0.1, "api_key": "abcd", "n": 1}'], ['{"lr": 0.1, "api_key": "***", "n": 1}']),
        (["host=db user=me password=hunter2 dbname=x"], ["host=db user=me password=*** dbname=x"]),
        (["postgresql://me:hunter2@db/x"], ["postgresql://me:***@db/x"]),
        (["postgresql://me:hun@ter2@db/x"], ["postgresql://me:***@db/x"]),
        (["https://abcdef0123@host/x"], ["https://***@host/x"]),
        (["https://host/f?token=abcdef&page=2"], ["https://host/f?token=***&page=2"]),
        (["-H", "Authorization: Bearer abcdefghijklmnop"], ["-H", "Authorization: Bearer ***"]),
        (["AccountName=a;AccountKey=abcd+/12==;End=x"], ["AccountName=a;AccountKey=***;End=x"]),
    ],
)
def test_a_value_under_a_telling_name_is_masked(words: list[str], masked: list[str]) -> None:
    assert mask_argv(words) == tuple(masked)


SURVIVES = [
    "3c1e0a5f2b7d9c8e4f6a1b2c3d4e5f6071829304",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "123e4567-e89b-12d3-a456-426614174000",
    "meta-llama/Llama-3.1-8B-Instruct",
    "hf_model_name_that_is_rather_long_and_has_underscores",
    "sk-learn-random-forest-classifier-version-two",
    "--tokenizer",
    "--max_tokens=512",
    "--key-size=128",
    "--eos-token=</s>",
    "--pad_token=[PAD]",
    "--sort-key=accuracy",
    "--token-file=/run/secret",
    "--password-file=pw.txt",
    "--use-auth-token=true",
    "model.n_tokens=100",
    "token=5",
    "docker://python:3.11@sha256:9f86d081884c7d659a2feaa0c55ad015",
    "ssh://git@github.com/a/b.git",
    "git@github.com:a/b.git",
    "s3://bucket/key=1/part.parquet",
    "https://${TOKEN}@host/simple",
    "user@example.org",
    "import getpass; password=getpass.getpass()",
    "data/20261121-142233-k7q2m9/x.csv",
    "tcp://127.0.0.1:29500",
    "http://localhost:8080/v1?limit=10",
    "x = tokenizer(text); print(x)",
    "the bearer certificates",
]


@pytest.mark.parametrize("word", SURVIVES)
def test_what_only_resembles_a_secret_survives(word: str) -> None:
    assert mask_argv([word]) == (word,)


def test_a_command_without_secrets_survives_whole() -> None:
    words = "python train.py --tokenizer gpt2 --max-tokens 512 --key-size 128 --key accuracy --bos-token <s> --seed 1"
    assert mask_argv(words.split()) == tuple(words.split())


def test_params_keep_their_types_unless_they_are_secrets() -> None:
    values = {
        "n_tokens": 100,
        "lr": 1e-3,
        "token": 7,
        "use_token": True,
        "password": 1234,
        "api_key": None,
        "layers": [1, 2],
    }
    assert mask_params(values) == values | {"password": MASK}
    assert mask_params({"hub": {"token": "abcdef", "model": "gpt2"}}) == {"hub": {"token": MASK, "model": "gpt2"}}
    assert mask_value("api_keys", ["a"]) == ["a"]
    assert mask_value("api_key", ["abc", "def"]) == [MASK, MASK]


@pytest.mark.parametrize(
    "name",
    [
        "token",
        "HF_TOKEN",
        "--api-token",
        "AWS_SECRET_ACCESS_KEY",
        "db.password",
        "apiKey",
        "GITHUB_PAT",
        "client_secret",
        "OPENAI_API_KEY",
    ],
)
def test_a_name_asks_for_a_secret(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "tokens",
        "max_token",
        "pad-token",
        "tokenizer",
        "key",
        "primary_key",
        "passes",
        "pass",
        "n_pass",
        "keys",
        "secretary",
        "pattern",
        "",
        "---",
        "compat",
    ],
)
def test_a_name_does_not_ask_for_a_secret(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("url", "cut"),
    [
        ("https://me:pw@host/x.git", "https://host/x.git"),
        ("https://me:p@w@host/x.git", "https://host/x.git"),
        (f"https://{GITHUB}@github.com/a/b", "https://github.com/a/b"),
        ("https://oauth2:abc@gitlab.com:8443/a/b#egg=x", "https://gitlab.com:8443/a/b#egg=x"),
        ("ssh://git@host:22/a/b", "ssh://git@host:22/a/b"),
        ("git+ssh://git:pw@host/a", "git+ssh://git@host/a"),
        ("git@github.com:a/b.git", "git@github.com:a/b.git"),
        ("https://host/a.whl?X-Amz-Signature=ab&x=1#sha256=00", "https://host/a.whl?x=1#sha256=00"),
        ("https://host/a.whl?sig=ab", "https://host/a.whl"),
        ("https://${USER}:${PW}@host/simple", "https://${USER}:${PW}@host/simple"),
        ("file:///home/a@b/c", "file:///home/a@b/c"),
        ("https://host/@scope/x", "https://host/@scope/x"),
        ("../bare.git", "../bare.git"),
    ],
)
def test_credentials_are_cut_from_urls(url: str, cut: str) -> None:
    assert cut_credentials(url) == cut
    assert cut_credentials(cut) == cut


_USERINFO = st.text("abcXYZ019-._~%!$&*+,;=:@", min_size=1, max_size=20).filter(lambda text: text.strip(":@"))


@given(st.sampled_from(["http", "https", "git+https"]), _USERINFO)
def test_no_user_part_of_a_web_address_is_left(scheme: str, user: str) -> None:
    assert cut_credentials(f"{scheme}://{user}@host/path") == f"{scheme}://host/path"


@given(st.sampled_from(["http", "postgresql", "ssh", "redis"]), _USERINFO)
def test_no_password_of_an_address_is_shown(scheme: str, password: str) -> None:
    assert mask_text(f"{scheme}://me:{password}@host/path") == f"{scheme}://me:***@host/path"


@given(st.lists(st.text(max_size=60), max_size=6))
def test_masking_is_stable_and_keeps_the_number_of_words(words: list[str]) -> None:
    once = mask_argv(words)
    assert len(once) == len(words)
    assert mask_argv(once) == once


SECRET_FILES = r"""
    .env app/.env .env.production .env.local .envrc conf\.env id_rsa keys/id_ed25519 server.pem private_key.pem
    my-keypair.pem tls.key .netrc _netrc .pypirc .git-credentials .aws/credentials home/.aws/credentials
    credentials.json client_secret_123.json gcp/service-account-prod.json service_account.json serviceAccountKey.json
    .kaggle/kaggle.json kaggle.json huggingface/token .streamlit/secrets.toml cert.p12 a.PFX release.keystore
"""

OTHER_FILES = """
    .env.example .env.sample env environment.yml .environment/x train.py secrets.py secrets/readme.md key.py keys.csv
    id_rsa.pub id_map.csv ca.pem cacert.pem fullchain.pem public_key.pem tokenizer.json token credentials
    aws/credentials.py credentials.example.json config.json service.json data/monkey.jpg
"""


@pytest.mark.parametrize("path", SECRET_FILES.split())
def test_a_file_is_named_like_a_secret(path: str) -> None:
    assert is_secret_file(path)


@pytest.mark.parametrize("path", OTHER_FILES.split())
def test_a_file_is_not_named_like_a_secret(path: str) -> None:
    assert not is_secret_file(path)
