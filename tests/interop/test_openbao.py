"""The same requests to OpenBao and to the service; and OpenBao's own command line as a client of the service."""

from __future__ import annotations

import json
import random
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.secret import SecretStr
from tests.interop.kv_door import Door, bao_program, bao_server, open_door

MERGE = "application/merge-patch+json"
TIME = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z")
# Ours says less, or says it in other words; the status and the form are the same.
OTHER_WORDS = re.compile(r"Field validation|error converting input|failed to decode JSON|PATCH requires|no handler")
NEWER = ("current_metadata_version", "metadata_cas_required", "strongroom")

# Each step: method, path below /v1/, body (text), content type.
Step = tuple[str, str, str, str]


def step(method: str, path: str, body: object = None, content_type: str = "application/json") -> Step:
    return method, path, body if isinstance(body, str) else "" if body is None else json.dumps(body), content_type


STORY: list[Step] = [
    step("GET", "secret/data/s/none"),
    step("LIST", "secret/metadata/s/"),
    step("POST", "secret/data/s/a", {"data": {"x": 1.5, "t": "é\"\n", "o": {"z": [{}, None]}}, "options": {"cas": 0}}),
    step("GET", "secret/data/s/a"),
    step("GET", "secret/data/s/a?version=7"),
    step("GET", "secret/data/s/a?version=abc"),
    step("POST", "secret/data/s/a", {"data": {"x": 1}, "options": {"cas": 0}}),
    step("PUT", "secret/data/s/a", {"data": {"x": 1}, "options": {"cas": "1"}}),
    step("POST", "secret/data/s/a", {"data": {"x": 1}, "options": {"cas": -1}}),
    step("POST", "secret/data/s/a", {"data": {"x": 1}, "options": {"cas": "x"}}),
    step("POST", "secret/data/s/a", {}),
    step("POST", "secret/data/s/a", ""),
    step("POST", "secret/data/s/a", {"data": None}),
    step("POST", "secret/data/s/a", {"data": 5}),
    step("POST", "secret/data/s/a", [1]),
    step("POST", "secret/data/s/a", '{"data":'),
    # OpenBao cannot merge into the null above; ours takes it for an empty object.
    step("POST", "secret/data/s/a", {"data": {"a": 2}}),
    step("PATCH", "secret/data/s/a", {"data": {"n": 1}}),
    step("PATCH", "secret/data/s/a", {"data": {"n": {"p": None, "q": {"r": 2}}}}, MERGE),
    step("PATCH", "secret/data/s/a", {"data": {"n": {"q": {"r": None}}}}, MERGE),
    step("PATCH", "secret/data/s/none", {"data": {"n": 1}}, MERGE),
    step("PATCH", "secret/data/s/a", {"data": {"n": 1}, "options": {"cas": 1}}, MERGE),
    step("PATCH", "secret/data/s/a", {}, MERGE),
    step("GET", "secret/subkeys/s/a"),
    step("GET", "secret/subkeys/s/none"),
    step("DELETE", "secret/data/s/a"),
    step("DELETE", "secret/data/s/none"),
    step("GET", "secret/data/s/a"),
    step("GET", "secret/subkeys/s/a"),
    step("PATCH", "secret/data/s/a", {"data": {"n": 1}}, MERGE),
    step("GET", "secret/metadata/s/a"),
    step("LIST", "secret/metadata/s"),
    step("GET", "secret/metadata/s/?list=true"),
    step("POST", "secret/delete/s/a", {"versions": ["1", "2"]}),
    step("POST", "secret/delete/s/a", {}),
    step("POST", "secret/delete/s/a", {"versions": [99]}),
    step("POST", "secret/undelete/s/a", {"versions": "1,2"}),
    step("POST", "secret/undelete/s/none", {"versions": [1]}),
    step("POST", "secret/destroy/s/a", {"versions": [1]}),
    step("GET", "secret/data/s/a?version=1"),
    step("POST", "secret/undelete/s/a", {"versions": [1]}),
    step("GET", "secret/data/s/a?version=1"),
    step("POST", "secret/metadata/s/a", {"max_versions": "2", "cas_required": "true", "custom_metadata": {"k": "v"}}),
    step("POST", "secret/data/s/a", {"data": {"x": 1}}),
    step("PATCH", "secret/metadata/s/a", {"custom_metadata": {"k": None, "z": "1"}}, MERGE),
    step("PATCH", "secret/metadata/s/none", {"max_versions": 1}, MERGE),
    step("GET", "secret/metadata/s/a"),
    step("POST", "secret/metadata/s/new", {"max_versions": 3, "delete_version_after": "1h30m"}),
    step("GET", "secret/metadata/s/new"),
    step("GET", "secret/data/s/new"),
    step("LIST", "secret/metadata/s"),
    step("DELETE", "secret/metadata/s/none"),
    step("DELETE", "secret/metadata/s/a"),
    step("GET", "secret/metadata/s/a"),
    step("POST", "secret/data/s/deep/er/x", {"data": {}}),
    step("LIST", "secret/metadata/s/deep"),
    step("LIST", "secret/metadata/s/deep/er/x"),
    step("GET", "secret/foo"),
    step("GET", "nomount/foo"),
    step("GET", "sys/internal/ui/mounts/nope/a"),
    step("POST", "sys/capabilities-self", {"paths": ["secret/data/s/a", "secret/data/s/b"]}),
    step("POST", "sys/capabilities-self", {"path": "secret/data/s/a"}),
    step("DELETE", "secret/config"),
]


@pytest.fixture(scope="module")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with bao_server(tmp_path_factory.mktemp("bao")) as address:
        yield address


@pytest.fixture
def door() -> Iterator[Door]:
    with open_door() as door:
        yield door


def send(address: str, one: Step) -> tuple[int, object]:
    """The status and the masked answer."""
    method, path, body, content_type = one
    request = urllib.request.Request(f"{address}/v1/{path}", method=method, data=body.encode() or None)
    request.add_header("X-Vault-Token", "root")
    request.add_header("Content-Type", content_type)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            status, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            status, text = error.code, error.read().decode()
    return status, masked(json.loads(text)) if text.strip() else None


def masked(value: object) -> object:
    if isinstance(value, dict):
        if OTHER_WORDS.search(str(value.get("errors"))):
            return {"errors": "in words"}
        return {name: "ID" if name == "request_id" else masked(one) for name, one in value.items() if name not in NEWER}
    if isinstance(value, list):
        return [masked(one) for one in value]
    return TIME.sub("TIME", value) if isinstance(value, str) else value


def compared(ours: tuple[int, object], theirs: tuple[int, object]) -> tuple[tuple[int, object], tuple[int, object]]:
    """Both answers, without the differences that are meant and documented in docs/service.md."""
    for _, value in (ours, theirs):
        if isinstance(value, dict):
            value.pop("warnings", None)
            data = value.get("data")
            if isinstance(data, dict) and "oldest_version" in data:
                # Known to us are only versions that are still there.
                data.pop("created_time")
                data.pop("updated_time")
    if isinstance(theirs[1], dict) and theirs[1].get("errors") == "in words" and isinstance(ours[1], dict):
        return (ours[0], bool(ours[1].get("errors"))), (theirs[0], True)
    return ours, theirs


def test_a_story_is_answered_alike(bao: str, door: Door) -> None:
    """Every kind of request, well-formed and not, in one sequence: the same statuses and the same JSON."""
    for one in STORY:
        ours, theirs = compared(send(door.address, one), send(bao, one))
        if one[1] == "secret/foo":
            assert (ours[0], theirs[0]) == (404, 404)
            continue
        assert ours == theirs, one


@pytest.mark.parametrize("seed", range(3))
def test_random_histories_are_answered_alike(seed: int, bao: str, door: Door) -> None:
    """Writes, merges, deletions, restorations, destructions and settings in any order, and reads in between."""
    draw = random.Random(seed)
    for _ in range(250):
        one = random_step(draw, f"r{seed}")
        ours, theirs = compared(send(door.address, one), send(bao, one))
        assert ours == theirs, one


def random_step(draw: random.Random, prefix: str) -> Step:
    path = f"{prefix}/{draw.choice(['x', 'y', 'f/z'])}"
    versions = {"versions": draw.sample(range(1, 14), draw.randint(1, 3))}
    body: dict[str, object] = {"data": {draw.choice("ab"): draw.choice([1, "t", None, {"k": draw.randint(0, 9)}, {}])}}
    if draw.random() < 0.3:
        body["options"] = {"cas": draw.randint(0, 5)}
    settings = {"max_versions": draw.choice([0, 2, 4]), "cas_required": draw.random() < 0.2}
    return draw.choice([
        *[step("POST", f"secret/data/{path}", body)] * 4,
        *[step("PATCH", f"secret/data/{path}", body, MERGE)] * 2,
        step("GET", f"secret/data/{path}"),
        step("GET", f"secret/data/{path}?version={draw.randint(0, 12)}"),
        step("GET", f"secret/metadata/{path}"),
        step("GET", f"secret/subkeys/{path}"),
        step("DELETE", f"secret/data/{path}"),
        step("POST", f"secret/delete/{path}", versions),
        step("POST", f"secret/undelete/{path}", versions),
        step("POST", f"secret/destroy/{path}", versions),
        step("LIST", f"secret/metadata/{prefix}"),
        step("LIST", f"secret/metadata/{prefix}/f"),
        *[step("POST", f"secret/metadata/{path}", settings)] * (draw.random() < 0.4),
        *[step("DELETE", f"secret/metadata/{path}")] * (draw.random() < 0.3),
    ])  # fmt: skip


def test_the_comparison_notices_a_difference(bao: str, door: Door) -> None:
    """One value, one version number or one status that differs is seen."""
    one = step("POST", "secret/data/seen", {"data": {"a": 1}})
    send(door.address, one)
    send(door.address, one)
    send(bao, one)
    read = step("GET", "secret/data/seen")
    ours, theirs = compared(send(door.address, read), send(bao, read))
    assert ours != theirs


def kv(door: Door, home: Path, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "BAO_ADDR": door.address, "VAULT_ADDR": door.address}
    environment |= {"BAO_TOKEN": "unused", "VAULT_TOKEN": "unused"}
    return subprocess.run(
        [bao_program(), *words], env=environment, input=stdin, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_command_line_of_openbao_works_with_it(door: Door, tmp_path: Path) -> None:
    """put, get, patch, list, metadata, delete, undelete, rollback, destroy and status, as its users type them."""

    def run(*words: str) -> str:
        done = kv(door, tmp_path, *words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    run("kv", "put", "-mount=secret", "team/app", "user=a", "password=p")
    assert run("kv", "get", "-mount=secret", "-field=password", "team/app") == "p"
    run("kv", "put", "-cas=1", "secret/team/app", "user=b")
    run("kv", "patch", "secret/team/app", "extra=1")
    read = json.loads(run("kv", "get", "-format=json", "secret/team/app"))
    assert read["data"]["data"] == {"user": "b", "extra": "1"}
    assert json.loads(run("kv", "list", "-format=json", "secret/team")) == ["app"]
    run("kv", "metadata", "put", "-max-versions=5", "-custom-metadata=k=v", "secret/team/app")
    shown = json.loads(run("kv", "metadata", "get", "-format=json", "secret/team/app"))["data"]
    assert (shown["max_versions"], shown["custom_metadata"], shown["current_version"]) == (5, {"k": "v"}, 3)
    run("kv", "delete", "secret/team/app")
    run("kv", "undelete", "-versions=3", "secret/team/app")
    run("kv", "rollback", "-version=1", "secret/team/app")
    assert run("kv", "get", "-field=password", "secret/team/app") == "p"
    run("kv", "destroy", "-versions=1", "secret/team/app")
    run("kv", "metadata", "delete", "secret/team/app")
    assert kv(door, tmp_path, "kv", "get", "secret/team/app").returncode == 2
    assert kv(door, tmp_path, "status").returncode == 0
    run("operator", "seal")
    assert kv(door, tmp_path, "status").returncode == 2
    assert "Vault is sealed" in kv(door, tmp_path, "kv", "get", "secret/team/app").stderr


def test_what_openbao_wrote_is_an_item_like_any_other(door: Door, tmp_path: Path) -> None:
    """Text is text, passwords are secret, and what the vault wrote is read by its client."""
    kv(door, tmp_path, "kv", "put", "secret/x", "username=u", "password=p")
    item = door.vault.get("x")
    assert (item.public("username"), item["password"].reveal()) == ("u", "p")
    assert item.is_secret("password")
    door.vault.set("y", {"token": SecretStr("t")})
    assert kv(door, tmp_path, "kv", "get", "-field=token", "secret/y").stdout == "t"
