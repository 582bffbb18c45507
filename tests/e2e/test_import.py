"""Credentials out of other programs' files: shown first, never overwritten silently, and the files dealt with last."""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import Done, Machine
from tests.peers import require, require_programs

ENV = """\
# The shop.
DEBUG=1
export DB_PASSWORD="canary-1 #x"  # prod
API_TOKEN=canary-2
"""


@pytest.fixture
def shop(keyed: Machine) -> Path:
    """A project's directory with a .env file."""
    place = keyed.home / "shop"
    place.mkdir()
    (place / ".env").write_text(ENV)
    return place


def items(machine: Machine) -> dict[str, dict[str, object]]:
    """Everything in the vault."""
    paths = machine.run("ls", "-r").text.splitlines()
    return {path: json.loads(machine.run("get", path, "--json").text)["fields"] for path in paths}


def no_canary(done: Done) -> None:
    """Nothing that a file holds is shown."""
    assert b"canary" not in done.out
    assert "canary" not in done.err


def test_a_plan_without_a_deed(keyed: Machine, shop: Path) -> None:
    """`--dry-run` says what goes where, as text and as JSON, with a vault and without."""
    done = keyed.run("import", "shop/.env", "--dry-run")
    assert done.code == 0
    assert done.text.split("\n")[0].split() == ["DB_PASSWORD", "shop/env", "DB_PASSWORD", "new"]
    assert "does not look secret: DEBUG; --all takes such, too" in done.err
    assert "nothing was stored or changed" in done.err
    no_canary(done)
    found = json.loads(keyed.run("import", "shop/.env", "--dry-run", "--json").text)
    assert found["values"][1] == {
        "name": "API_TOKEN", "path": "shop/env", "field": "API_TOKEN", "secret": True, "state": "new",
    }  # fmt: skip
    assert found["left"] == [{"name": "DEBUG", "line": 2, "reason": "does not look secret"}]
    assert (found["dry_run"], found["stored"], found["file"]) == (True, 0, "unchanged")
    nowhere = {**keyed.environment, "STRONGROOM_VAULT": str(keyed.home / "none.db")}
    done = keyed.run("import", "shop/.env", "--dry-run", environment=nowhere)
    assert done.code == 0
    assert "not compared" in done.text
    assert items(keyed) == {}
    assert (shop / ".env").read_text() == ENV


def test_imported_and_imported_again(keyed: Machine, shop: Path) -> None:
    """The second time all is there already; another value is exit 10, and with --overwrite a new version."""
    done = keyed.run("import", "shop/.env")
    assert (done.code, "stored 2 values" in done.err) == (0, True), done
    no_canary(done)
    assert items(keyed) == {"shop/env": {"DB_PASSWORD": "canary-1 #x", "API_TOKEN": "canary-2"}}
    again = keyed.run("import", "shop/.env", "--json")
    assert json.loads(again.text)["stored"] == 0
    assert keyed.run("log", "shop/env").text.count("\n") == 1
    (shop / ".env").write_text("API_TOKEN=canary-3\nNEW_TOKEN=canary-4\n")
    done = keyed.run("import", "shop/.env")
    assert done.code == 10
    assert "the vault holds other values at shop/env API_TOKEN" in done.err
    no_canary(done)
    assert keyed.run("get", "shop/env", "API_TOKEN").text == "canary-2"
    done = keyed.run("import", "shop/.env", "--overwrite")
    assert (done.code, "not done without a yes" in done.err) == (8, True)
    assert keyed.run("import", "shop/.env", "--overwrite", "--yes").code == 0
    assert keyed.run("get", "shop/env", "API_TOKEN").text == "canary-3"
    assert keyed.run("get", "shop/env", "DB_PASSWORD").text == "canary-1 #x"
    assert keyed.run("get", "shop/env", "API_TOKEN", "--version", "1").text == "canary-2"


def test_a_deleted_item_is_written_anew(keyed: Machine, shop: Path) -> None:
    """What was deleted does not stand in the way, and its history stays."""
    assert keyed.run("import", "shop/.env").code == 0
    assert keyed.run("rm", "shop/env").code == 0
    assert keyed.run("import", "shop/.env").code == 0
    assert keyed.run("log", "shop/env").text.count("\n") == 2


def test_references_in_the_place_of_values(keyed: Machine, shop: Path) -> None:
    """Comments, order and mode stay, the old bytes are overwritten, and `run` gives the values back."""
    place = shop / ".env"
    place.chmod(0o640)
    with place.open("rb") as old:
        done = keyed.run("import", "shop/.env", "--replace", "--yes")
        assert done.code == 0, done
        assert old.read() == bytes(len(ENV))
    no_canary(done)
    assert "an SSD, a copy-on-write file system" in done.err
    expected = ENV.replace('"canary-1 #x"', "'strongroom://shop/env#DB_PASSWORD'").replace(
        "canary-2", "'strongroom://shop/env#API_TOKEN'"
    )
    assert place.read_text() == expected
    assert place.stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(shop)) == [".env"]
    again = keyed.run("import", "shop/.env", "--replace", "--yes")
    assert (again.code, place.read_text()) == (0, expected)
    assert "is a reference already: DB_PASSWORD, API_TOKEN" in again.err
    assert keyed.run("allow", "shop/.env", "--yes").code == 0
    done = keyed.run("run", "--env-file", "shop/.env", "--", "sh", "-c", 'printf %s "$DB_PASSWORD/$API_TOKEN/$DEBUG"')
    assert done.out == b"canary-1 #x/canary-2/1", done


def test_a_template_that_render_fills(keyed: Machine, shop: Path) -> None:
    """The rendered file is the one that was imported, in value."""
    place = shop / "app.yaml"
    place.write_text("# c\ndb:\n  password: 'canary: \"1\"'  # d\n  port: 5432\n")
    done = keyed.run("import", "shop/app.yaml", "--template", "--yes")
    assert done.code == 0, done
    assert place.read_text() == (
        "# c\ndb:\n  password: {{ strongroom://shop/app/db#password?as=json }}  # d\n  port: 5432\n"
    )
    assert keyed.run("allow", "shop/app.yaml", "--yes").code == 0
    out = keyed.home / "out.yaml"
    assert keyed.run("render", "shop/app.yaml", "-o", str(out)).code == 0
    assert out.read_text() == '# c\ndb:\n  password: "canary: \\"1\\""  # d\n  port: 5432\n'


def test_a_file_that_goes(keyed: Machine, shop: Path) -> None:
    """`--wipe` overwrites and removes what is all in the vault, and refuses to lose anything."""
    done = keyed.run("import", "shop/.env", "--wipe", "--yes")
    assert (done.code, "would lose DEBUG" in done.err) == (2, True)
    assert items(keyed) == {}
    with (shop / ".env").open("rb") as old:
        assert keyed.run("import", "shop/.env", "--wipe", "--all", "--yes").code == 0
        assert old.read() == bytes(len(ENV))
    assert os.listdir(shop) == []
    assert items(keyed)["shop/env"]["DEBUG"] == "1"


def test_only_one_fate(keyed: Machine, shop: Path) -> None:
    """The three options exclude each other, need a file, and a format that can hold references."""
    assert keyed.run("import", "shop/.env", "--wipe", "--replace").code == 2
    assert keyed.run("import", "-", "--format", "dotenv", "--to", "x", "--replace", stdin=b"A_TOKEN=x").code == 2
    (shop / "p.csv").write_text("name,password\na,canary\n")
    done = keyed.run("import", "shop/p.csv", "--replace", "--yes")
    assert (done.code, "a csv file has no place for references" in done.err) == (2, True)
    done = keyed.run("import", "shop/.env", "--template", "--yes")
    assert (done.code, "no templates" in done.err) == (2, True)
    assert items(keyed) == {}


def link(place: Path) -> None:
    place.rename(place.with_name("real"))
    place.symlink_to("real")


def second_name(place: Path) -> None:
    os.link(place, place.with_name("other"))


def another_owner(place: Path) -> None:
    require(os.geteuid() == 0, "only root can give a file away")
    os.chown(place, 65534, 65534)


@pytest.mark.parametrize("prepare", [link, second_name, another_owner])
def test_files_that_are_not_rewritten(keyed: Machine, shop: Path, prepare: Callable[[Path], None]) -> None:
    """A link and a second name keep the old content: it is said, and the file is as it was."""
    prepare(shop / ".env")
    for fate in (("--replace",), ("--wipe", "--all")):
        done = keyed.run("import", "shop/.env", *fate, "--yes")
        assert done.code == 9, done
        assert "the values are in the vault; the file is as it was" in done.err
        assert (shop / ".env").read_text() == ENV
    assert items(keyed)["shop/env"]["API_TOKEN"] == "canary-2"


def test_a_file_that_changes_meanwhile(keyed: Machine, shop: Path) -> None:
    """Written to while the question stood: what is new in it is not lost, and exit 10 says so."""
    with keyed.at_terminal("import", "shop/.env", "--replace") as person:
        person.sees("put references into the file?")
        (shop / ".env").write_text(ENV + "LATE_TOKEN=x\n")
        person.types("y").sees("has changed since it was read")
        assert person.ends() == 10
    assert (shop / ".env").read_text() == ENV + "LATE_TOKEN=x\n"
    assert sorted(os.listdir(shop)) == [".env"]


@pytest.mark.parametrize(("name", "text", "extra", "words"), [
    ("a.env", "A_TOKEN=x", "dotenv", ()),
    ("a.yaml", "token: x", "yaml", ()),
    ("a.toml", "token = 'x'", "yaml", ("--replace", "--yes")),
])  # fmt: skip
def test_without_the_extra(keyed: Machine, name: str, text: str, extra: str, words: tuple[str, ...]) -> None:
    """A missing library is exit 14 with the command that installs it, and nothing is stored; TOML is read without."""
    blocked = keyed.root / "blocked"
    for package in ("dotenv", "ruamel", "tomlkit"):
        (blocked / package).mkdir(parents=True)
        (blocked / package / "__init__.py").write_text("raise ImportError\n")
    (keyed.home / name).write_text(text)
    path = [str(blocked), *keyed.full_environment(None).get("PYTHONPATH", "").split(":")]
    environment = {**keyed.environment, "PYTHONPATH": ":".join(filter(None, path))}
    done = keyed.run("import", name, *words, environment=environment)
    assert done.code == 14, done
    assert f"hint: pip install 'strongroom[{extra}]'" in done.err
    assert items(keyed) == {}
    if extra == "dotenv":
        assert keyed.run("import", name, "--dialect", "compose", environment=environment).code == 0
    elif words:
        assert keyed.run("import", name, environment=environment).code == 0


def test_a_directory_that_cannot_be_written(keyed: Machine, shop: Path) -> None:
    """No new file, no changed file, no half of one."""
    if os.geteuid() == 0:
        # Root writes anywhere but where the file system forbids it.
        done = subprocess.run(["chattr", "+i", str(shop)], capture_output=True, check=False)
        if done.returncode:
            pytest.skip("this file system has no immutable directories")
    else:
        shop.chmod(0o500)
    try:
        done = keyed.run("import", "shop/.env", "--replace", "--yes")
        assert done.code == 15, done
        assert (shop / ".env").read_text() == ENV
    finally:
        subprocess.run(["chattr", "-i", str(shop)], capture_output=True, check=False)
        shop.chmod(0o700)


def test_no_vault_no_change(keyed: Machine, shop: Path) -> None:
    """Without a vault, or without its key, nothing happens to the file."""
    for environment in (
        {**keyed.environment, "STRONGROOM_VAULT": str(keyed.home / "none.db")},
        {name: value for name, value in keyed.environment.items() if name != "STRONGROOM_KEY_FILE"},
    ):
        done = keyed.run("import", "shop/.env", "--replace", "--yes", environment=environment)
        assert done.code in (4, 8), done
        assert (shop / ".env").read_text() == ENV


def bombs() -> dict[str, bytes]:
    """Files that were made to hurt their reader."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        slip = tarfile.TarInfo("../../slipped")
        slip.size = 4
        tar.addfile(slip, io.BytesIO(b"evil"))
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return {
        "laughs.xml": f'<!DOCTYPE l [<!ENTITY l0 "canary">{laughs}]><l>&l9;</l>'.encode(),
        "object.yaml": b"password: canary\na: !!python/object/apply:os.mkdir [pwned]\n",
        "laughs.yaml": b"a: &a [canary]\n" + b"[" * 3000,
        "pickle.json": pickle.dumps({"password": "canary"}),
        "slip.toml": archive.getvalue(),
        "settings.py": b"import os\nos.mkdir('pwned')\nPASSWORD = 'canary' + (\n",
        "long.env": b"PASSWORD=canary" + b"x" * 20_000_000,
        "wide.env": "PASSWORD=canary".encode("utf-16"),
        "latin.ini": b"[a]\npassword = canary\xe9\n",
        "nul.csv": b"name,password\na,canary\0\n",
        "deep.json": b'{"password":' * 50_000,
        "shell.env": b"PASSWORD=canary$(mkdir pwned)\n",
    }


def test_bad_input(keyed: Machine) -> None:
    """Each is a clear error that shows nothing; nothing is stored, made or changed."""
    for name, data in bombs().items():
        place = keyed.home / name
        place.write_bytes(data)
        words = ("--dialect", "posix") if name == "shell.env" else ()
        done = keyed.run("import", name, "--all", "--yes", "--replace", *words)
        assert done.code == 2, (name, done)
        assert done.err.startswith("strongroom: "), name
        assert done.out == b"", name
        no_canary(done)
        assert place.read_bytes() == data
        place.unlink()
    assert items(keyed) == {}
    assert not (keyed.home / "pwned").exists()
    assert not (keyed.root / "slipped").exists()


def test_what_the_name_does_not_say(keyed: Machine) -> None:
    """An unknown ending wants --format; a missing file is exit 4; standard input needs a place to go."""
    (keyed.home / "file").write_text('{"password": "x"}')
    done = keyed.run("import", "file")
    assert (done.code, "--format: dotenv, ini," in done.err) == (2, True)
    assert keyed.run("import", "file", "--format", "nothing").code == 2
    assert keyed.run("import", "gone.env").code == 4
    done = keyed.run("import", "-", "--format", "json", stdin=b'{"password": "x"}')
    assert (done.code, "--to PATH" in done.err) == (2, True)
    assert keyed.run("import", "-", "--format", "json", "--to", "a/b/", stdin=b'{"password": "x"}').code == 0
    assert items(keyed) == {"a/b": {"password": "x"}}


def test_where_values_go_by_themselves(keyed: Machine) -> None:
    """The folder's and the file's name; for lists of credentials the file's alone."""
    folder = keyed.home / "a b"
    folder.mkdir()
    files = {
        ".env": ("A_TOKEN=1", "a b/env"),
        ".env.production": ("A_TOKEN=1", "a b/env.production"),
        "web.env": ("A_TOKEN=1", "a b/web"),
        "x.y.yaml": ("token: '1'", "a b/x.y"),
        "config.toml": ("[db]\ntoken = '1'", "a b/config/db"),
        ".netrc": ("machine h login l password p", "netrc/h"),
        "chrome.csv": ("name,password\nx,y\n", "chrome/x"),
        "dump.kv": ('{"team/x": {"p": "1"}}', "team/x"),
    }
    for name, (text, path) in files.items():
        (folder / name).write_text(text)
        words = ("--format", "kv") if name == "dump.kv" else ()
        assert keyed.run("import", f"a b/{name}", *words).code == 0, name
        assert path in items(keyed), name


def test_a_person_is_asked(keyed: Machine, shop: Path) -> None:
    """On a terminal the plan comes first, then a question; no is no."""
    with keyed.at_terminal("import", "shop/.env", "--replace") as person:
        person.sees("DB_PASSWORD").sees("Import 2 values and put references into the file?").types("n")
        assert person.ends() == 0
    assert (shop / ".env").read_text() == ENV
    assert items(keyed) == {}
    with keyed.at_terminal("import", "shop/.env") as person:
        person.sees("Import 2 values?").types("y")
        person.sees("stored 2 values")
        assert person.ends() == 0
    with keyed.at_terminal("import", "shop/.env", "--replace") as person:
        person.sees("put references into the file?").types("\x03")
        assert person.ends() in (130, -2)
    assert (shop / ".env").read_text() == ENV


def git(place: Path, *words: str) -> None:
    """Git, with nobody's settings."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(place), "GIT_CONFIG_GLOBAL": "/dev/null"}
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    subprocess.run(["git", *identity, *words], cwd=place, env=environment, check=True, capture_output=True, timeout=60)


def test_gitignore_is_looked_at(keyed: Machine, shop: Path) -> None:
    """Not ignored: a line is offered, and with --yes added once; kept by git: said, with what helps."""
    require_programs("git")
    git(shop, "init", "-q")
    (shop / ".gitignore").write_text("*.pyc")
    done = keyed.run("import", "shop/.env")
    assert "git does not ignore shop/.env" in done.err
    assert f"hint: echo /.env >> {shop / '.gitignore'}" in done.err
    with keyed.at_terminal("import", "shop/.env") as person:
        person.sees("Import 2 values?").types("y")
        person.sees("add /.env to .gitignore?").types("y")
        assert person.ends() == 0
    assert (shop / ".gitignore").read_text() == "*.pyc\n/.env\n"
    assert "git" not in keyed.run("import", "shop/.env", "--yes").err
    git(shop, "add", "-f", ".env")
    git(shop, "commit", "-q", "-m", "x")
    done = keyed.run("import", "shop/.env")
    assert "git keeps shop/.env" in done.err
    assert "git rm --cached" in done.err


@pytest.mark.parametrize("name", ["a b#*.env", "[x]?.env", "!\\ü.env", "#.env"])
def test_gitignore_means_exactly_that_file(keyed: Machine, shop: Path, name: str) -> None:
    """Signs that mean something to git are escaped; also below the top, and through a link to the folder."""
    require_programs("git")
    below = shop / "sub dir"
    below.mkdir()
    (keyed.home / "linked").symlink_to(below)
    git(shop, "init", "-q")
    for place in (shop, keyed.home / "linked"):
        (place / name).write_text("A_TOKEN=x\n")
        done = keyed.run("import", "--yes", "--to", "x", "--", str(place / name))
        assert done.code == 0, done
        git(place.resolve(), "check-ignore", "--quiet", "--", name)
    assert (shop / ".gitignore").read_text().count("\n") == 2
    (shop / "other.env").touch()
    with pytest.raises(subprocess.CalledProcessError):
        git(shop, "check-ignore", "--quiet", "other.env")


@pytest.mark.parametrize("plant", ["link", "folder", "pipe"])
def test_gitignore_is_something_else(keyed: Machine, shop: Path, plant: str) -> None:
    """The import is done; what lies under the name is not written through, and that is said."""
    require_programs("git")
    git(shop, "init", "-q")
    victim = keyed.home / "victim"
    victim.write_text("as it was")
    place = shop / ".gitignore"
    {"link": lambda: place.symlink_to(victim), "folder": place.mkdir, "pipe": lambda: os.mkfifo(place)}[plant]()
    done = keyed.run("import", "shop/.env", "--yes")
    assert done.code == 0, done
    assert f"{place} was not changed" in done.err
    assert victim.read_text() == "as it was"


def test_a_kv_export_of_openbao(keyed: Machine) -> None:
    """What the two printing commands give: version 2 and version 1 of the engine."""
    for reply in (
        {"request_id": "x", "data": {"data": {"user": "u", "n": 1}, "metadata": {"version": 3}}},
        {"request_id": "x", "data": {"user": "u", "n": 1}},
    ):
        words = ("import", "-", "--format", "kv", "--to", "bao/app")
        assert keyed.run(*words, stdin=json.dumps(reply).encode()).code == 0
    assert items(keyed) == {"bao/app": {"user": "u", "n": 1}}
    assert keyed.run("log", "bao/app").text.count("\n") == 1


def test_through_the_agent(keyed: Machine, shop: Path) -> None:
    """Without a key in this process: the same, item by item; a second time it goes on where it ended."""
    (shop / "app.json").write_text(json.dumps({name: {"password": f"canary-{name}"} for name in "abc"}))
    assert keyed.run("unlock").code == 0
    environment = {name: value for name, value in keyed.environment.items() if name != "STRONGROOM_KEY_FILE"}
    try:
        for stored in (3, 0):
            done = keyed.run("import", "shop/app.json", "--json", environment=environment)
            assert (done.code, json.loads(done.text)["stored"]) == (0, stored), done
        done = keyed.run("import", "shop/app.json", "--replace", "--yes", environment=environment)
        assert done.code == 0, done
        assert "canary" not in (shop / "app.json").read_text()
    finally:
        keyed.run("agent", "stop")
    assert set(items(keyed)) == {f"shop/app/{name}" for name in "abc"}
