"""`strongroom key`: keys are made, rotated, used, exported and destroyed by hand; and no item command meets them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import subprocess
import time

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
    load_ssh_public_key,
)

from strongroom import boxes


def key(machine, *words: str, stdin: bytes = b"", code: int = 0):
    done = machine.run("key", *words, stdin=stdin)
    assert done.code == code, done
    return done


def test_a_key_from_its_creation_to_its_destruction(keyed) -> None:
    """What was encrypted before a rotation is read after it, and no longer when the old version is destroyed."""
    assert key(keyed, "create", "invoices").err == "strongroom: created the key invoices of kind aead\n"
    message = key(keyed, "encrypt", "invoices", "--associated-data", "row 1", stdin=b"4711").out
    assert base64.urlsafe_b64decode(message)[:4] == b"srk\x01"
    assert key(keyed, "decrypt", "invoices", "--associated-data", "row 1", stdin=message + b"\n").out == b"4711"
    done = key(keyed, "decrypt", "invoices", "--associated-data", "row 2", stdin=message, code=7)
    assert "with other associated data" in done.err
    assert "strongroom verify" not in done.err
    key(keyed, "rotate", "invoices")
    new = key(keyed, "rewrap", "invoices", "--associated-data", "row 1", stdin=message).out
    assert new != message
    for one in (message, new):
        assert key(keyed, "decrypt", "invoices", "--associated-data", "row 1", stdin=one).out == b"4711"
    done = key(keyed, "destroy", "invoices", "--version", "1", code=8)
    assert "lose what was encrypted with it" in done.err
    key(keyed, "destroy", "invoices", "--version", "1", "--yes")
    assert key(keyed, "decrypt", "invoices", "--associated-data", "row 1", stdin=message, code=4).out == b""
    assert key(keyed, "decrypt", "invoices", "--associated-data", "row 1", stdin=new).out == b"4711"
    key(keyed, "destroy", "invoices", "--yes")
    assert key(keyed, "list", "--json").out == b"[]\n"
    key(keyed, "show", "invoices", code=4)
    assert keyed.run("verify").code == 0


def test_bytes_instead_of_text(keyed) -> None:
    """--raw writes and reads what Python's `encrypt` gives; text is no bytes, and bytes are no text."""
    key(keyed, "create", "k")
    raw = key(keyed, "encrypt", "k", "--raw", stdin=b"\0\xff").out
    assert raw[:4] == b"srk\x01"
    assert key(keyed, "decrypt", "k", "--raw", stdin=raw).out == b"\0\xff"
    assert "--raw" in key(keyed, "decrypt", "k", stdin=raw, code=7).err
    key(keyed, "decrypt", "k", "--raw", stdin=base64.urlsafe_b64encode(raw), code=7)


def test_two_phases_with_another_programs_fernet(keyed) -> None:
    """The command pair knows which phase comes next, and says it."""
    key(keyed, "create", "sessions", "--kind", "fernet")
    old = Fernet(key(keyed, "export", "sessions", "--private").out)
    assert "is staged" in key(keyed, "rotate", "sessions", "--promote", code=10).err
    assert "--promote" in key(keyed, "rotate", "sessions", "--stage").err
    new = Fernet(key(keyed, "export", "sessions", "--private", "--version", "2").out)
    for theirs in (old, new):
        token = theirs.encrypt(b"x")
        assert key(keyed, "decrypt", "sessions", "--max-age", "1h", stdin=token).out == b"x"
    assert old.decrypt(key(keyed, "encrypt", "sessions", stdin=b"x").out) == b"x"
    assert "--retire" in key(keyed, "rotate", "sessions", "--promote").err
    assert new.decrypt(key(keyed, "encrypt", "sessions", stdin=b"x").out) == b"x"
    assert json.loads(key(keyed, "show", "sessions", "--json").out)["phase"] == "promoted"
    assert "became the primary" in key(keyed, "rotate", "sessions", "--retire", code=10).err
    time.sleep(1.1)
    token = key(keyed, "decrypt", "sessions", "--any-age", stdin=old.encrypt(b"x"))
    assert "version 1 of the key sessions decrypted something" in (
        key(keyed, "rotate", "sessions", "--retire", "--quiet", "1s", code=10).err
    )
    # As long again as a program may have noted nothing.
    time.sleep(1.1)
    key(keyed, "rotate", "sessions", "--retire", "--quiet", "1s", code=10)
    key(keyed, "rotate", "sessions", "--retire", "--quiet", "0")
    key(keyed, "decrypt", "sessions", "--any-age", stdin=old.encrypt(b"x"), code=7)
    assert key(keyed, "decrypt", "sessions", "--any-age", stdin=new.encrypt(b"x")).out == b"x"


def test_a_token_says_how_old_it_may_be(keyed) -> None:
    """Or that it may be of any age: neither is taken for granted."""
    key(keyed, "create", "s", "--kind", "fernet")
    private = key(keyed, "export", "s", "--private").out
    old = Fernet(private).encrypt_at_time(b"x", int(time.time()) - 7200)
    assert "--max-age 1d, or --any-age" in key(keyed, "decrypt", "s", stdin=old, code=2).err
    key(keyed, "decrypt", "s", "--max-age", "1h", stdin=old, code=12)
    assert key(keyed, "decrypt", "s", "--max-age", "3h", stdin=old).out == b"x"
    assert key(keyed, "decrypt", "s", "--any-age", stdin=old + b"\n").out == b"x"
    key(keyed, "decrypt", "s", "--any-age", "--max-age", "3h", stdin=old, code=2)


def test_public_parts_as_other_programs_read_them(keyed, tmp_path) -> None:
    """Each format by a program that owns it."""
    key(keyed, "create", "rel", "--kind", "signing")
    raw = key(keyed, "export", "rel", "--public", "--format", "raw").out
    assert load_ssh_public_key(key(keyed, "export", "rel", "--public", "--format", "ssh").out).public_bytes(
        Encoding.Raw, PublicFormat.Raw
    ) == raw
    pem = key(keyed, "export", "rel", "--public", "--format", "pem").out
    assert load_pem_public_key(pem).public_bytes_raw() == raw
    assert load_pem_public_key(pem).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) == pem
    first, second = key(keyed, "export", "rel", "--public").out.decode().splitlines()
    assert first.startswith("untrusted comment: minisign public key ")
    assert base64.b64decode(second)[10:] == raw
    (tmp_path / "key.pub").write_bytes(key(keyed, "export", "rel", "--public", "--format", "ssh").out)
    shown = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(tmp_path / "key.pub")], capture_output=True, text=True, timeout=60, check=True
    )
    assert "rel version 1 (ED25519)" in shown.stdout

    key(keyed, "create", "in", "--kind", "box")
    public = key(keyed, "export", "in", "--public", "--format", "raw").out
    assert load_pem_public_key(key(keyed, "export", "in", "--public", "--format", "pem").out).public_bytes_raw() == (
        public[:32]
    )
    assert key(keyed, "export", "in", "--public").out.startswith(b"age1")
    assert key(keyed, "export", "in", "--public", "--format", "age-pq").out.startswith(b"age1pq1")
    sealed = base64.urlsafe_b64encode(boxes.seal(public, b"x", info=b"orders"))
    assert key(keyed, "decrypt", "in", "--associated-data", "orders", stdin=sealed).out == b"x"
    mine = key(keyed, "encrypt", "in", stdin=b"y").out
    assert key(keyed, "decrypt", "in", stdin=mine).out == b"y"
    key(keyed, "decrypt", "in", "--max-age", "1h", stdin=mine, code=2)


@pytest.mark.parametrize("form", ["minisign", "ssh", "pem", "base64"])
def test_somebody_elses_signing_key(keyed, form: str) -> None:
    """It comes in as other programs write it, and verifies what its owner signed."""
    key(keyed, "create", "theirs", "--kind", "signing")
    (keyed.home / "file").write_bytes(b"data")
    assert keyed.run("sign", "--key", "theirs", str(keyed.home / "file")).code == 0
    raw = key(keyed, "export", "theirs", "--public", "--format", "raw").out
    text = key(keyed, "export", "theirs", "--public", "--format", form).out
    assert form != "base64" or text == base64.b64encode(raw) + b"\n"
    key(keyed, "import", "partner", "--kind", "signing", "--public", stdin=text)
    assert key(keyed, "export", "partner", "--public", "--format", "raw").out == raw
    assert keyed.run("check", str(keyed.home / "file"), "--key", "partner").code == 0
    done = keyed.run("sign", "--key", "partner", "--force", str(keyed.home / "file"))
    assert (done.code, "only the public part" in done.err) == (5, True), done
    key(keyed, "export", "partner", "--private", code=5)
    assert "somebody else's" in key(keyed, "rotate", "partner", code=10).err


def test_somebody_elses_box_key(keyed) -> None:
    """age's text and PEM have X25519's part, base64 both; others are refused."""
    key(keyed, "create", "theirs", "--kind", "box")
    public = key(keyed, "export", "theirs", "--public", "--format", "raw").out
    for name, text in (
        ("one", key(keyed, "export", "theirs", "--public", "--format", "age").out),
        ("two", key(keyed, "export", "theirs", "--public", "--format", "pem").out),
        ("three", base64.b64encode(public)),
    ):
        key(keyed, "import", name, "--kind", "box", "--public", stdin=text)
        assert public.startswith(key(keyed, "export", name, "--public", "--format", "raw").out)
    assert key(keyed, "decrypt", "theirs", stdin=key(keyed, "encrypt", "three", stdin=b"x").out).out == b"x"
    for text in (b"", b"x", b"age1x", b"-----BEGIN PUBLIC KEY-----", base64.b64encode(bytes(33)), b"\xff\xfe"):
        key(keyed, "import", "four", "--kind", "box", "--public", stdin=text, code=2)
    key(keyed, "import", "four", "--public", stdin=text, code=4)
    key(keyed, "import", "four", "--kind", "aead", "--public", stdin=text, code=2)


def test_private_parts_go_out_and_come_in_on_request(keyed) -> None:
    """Never by the way, and never on the command line."""
    key(keyed, "create", "rel", "--kind", "signing")
    key(keyed, "export", "rel", code=2)
    done = key(keyed, "export", "rel", "--private", "--format", "pem")
    seed = load_pem_private_key(done.out, None).private_bytes_raw()
    assert "whoever has this" in done.err
    assert base64.urlsafe_b64decode(key(keyed, "export", "rel", "--private").out) == seed
    assert key(keyed, "export", "rel", "--private", "--format", "raw").out == seed
    key(keyed, "import", "copy", "--kind", "signing", stdin=base64.b64encode(seed) + b"\n")
    ours, theirs = (key(keyed, "export", name, "--public", "--format", "raw").out for name in ("rel", "copy"))
    assert ours == theirs
    key(keyed, "import", "copy", "--stage", stdin=base64.b64encode(bytes(32)))
    shown = json.loads(key(keyed, "show", "copy", "--json").out)
    assert [one["origin"] for one in shown["versions"]] == ["imported", "imported"]
    assert shown["phase"] == "staged"
    assert seed.hex() not in json.dumps(shown)
    for text in (b"", b"x", base64.b64encode(bytes(31)), base64.b64encode(bytes(65))):
        assert key(keyed, "import", "other", "--kind", "aead", stdin=text + b"\n", code=2).out == b""
    key(keyed, "import", "other", stdin=base64.b64encode(bytes(32)), code=4)
    key(keyed, "import", "copy", "--kind", "aead", stdin=base64.b64encode(bytes(32)), code=2)
    key(keyed, "import", "copy", stdin=b"", code=8)


def test_tags(keyed) -> None:
    """HMAC-SHA-256, as a webhook's sender computes it."""
    key(keyed, "import", "hook", "--kind", "hmac", stdin=base64.b64encode(bytes(range(32))))
    tag = key(keyed, "mac", "hook", stdin=b"body").out
    assert tag.decode() == hmac.new(bytes(range(32)), b"body", hashlib.sha256).hexdigest()


def test_a_key_from_a_password(machine) -> None:
    """Without a vault; the parameters that were shown lead to the same key, and to no other with another password."""
    machine.environment["STRONGROOM_VAULT"] = str(machine.home / "none")
    done = key(machine, "derive", stdin=b"correct horse battery staple\n")
    assert Fernet(done.out).decrypt(Fernet(done.out).encrypt(b"x")) == b"x"
    parameters = done.err.split("--parameters '")[1].split("'")[0]
    assert key(machine, "derive", "--parameters", parameters, stdin=b"correct horse battery staple\n").out == done.out
    assert key(machine, "derive", "--parameters", parameters, stdin=b"wrong horse\n").out != done.out
    shown = json.loads(key(machine, "derive", "--compliance", "--json", stdin=b"correct horse battery staple\n").out)
    assert shown["parameters"].startswith("$pbkdf2-sha256$i=600000$")
    key(machine, "derive", "--parameters", "$argon2id$v=19$m=99999999,t=3,p=1$AAAAAAAAAAA", stdin=b"x\n", code=7)
    key(machine, "derive", "--compliance", "--parameters", parameters, stdin=b"x\n", code=2)
    key(machine, "derive", stdin=b"", code=8)
    key(machine, "derive", stdin=b"\n", code=8)


def test_no_item_command_meets_a_key(keyed) -> None:
    """Listed nowhere; named, they are refused with the reason."""
    key(keyed, "create", "k")
    assert keyed.run("set", "bank", "password", stdin=b"x\n").code == 0
    for words in (["ls", "-r"], ["ls"], ["export", "--format", "json", "--all"]):
        assert b"@" not in keyed.run(*words).out
    for words in (
        ["get", "@keys/k"], ["set", "@keys/k", "password"], ["rm", "@keys/k"], ["mv", "@keys/k", "k"],
        ["log", "@keys/k"], ["mv", "bank", "@keys/bank"], ["ls", "@keys/"],
        ["configure", "@keys/k", "--max-versions", "1"],
        ["restore", "@keys/k"], ["require", "@keys/k", "keyset"], ["edit", "@keys/k"],
    ):  # fmt: skip
        done = keyed.run(*words, stdin=b"x\n")
        assert (done.code, done.out) == (2, b""), done
        assert "strongroom's own" in done.err, done
    assert key(keyed, "decrypt", "k", stdin=key(keyed, "encrypt", "k", stdin=b"x").out).out == b"x"


WRONG = {
    "no name": (["show"], "needs NAME"),
    "a name too many": (["list", "k"], "takes no NAME"),
    "no such action": (["frobnicate", "k"], "key has no such action"),
    "a slash": (["create", "a/b"], "no slash"),
    "no such kind": (["create", "k", "--kind", "rsa"], "--kind"),
    "an option of another action": (["show", "k", "--version", "1"], "key show takes no --version"),
    "quiet without retire": (["rotate", "k", "--quiet", "1d"], "--quiet goes with --retire"),
    "two phases at once": (["rotate", "k", "--stage", "--retire"], "not allowed with"),
    "no version": (["disable", "k"], "needs --version N"),
    "both halves": (["export", "k", "--public", "--private"], "not allowed with"),
    "no public part": (["export", "k", "--public"], "a key of kind aead is secret"),
    "a format of another kind": (["export", "k", "--private", "--format", "ssh"], "base64, raw or pem"),
    "a private part without PEM": (["export", "k", "--private", "--format", "pem"], "base64 or raw"),
    "another kind's use": (["mac", "k"], "is of kind aead"),
    "the primary is not above itself": (["min", "k", "--version", "2"], "1..1"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_use(keyed, case: str) -> None:
    """One sentence, exit 2, and nothing happens."""
    key(keyed, "create", "k")
    words, why = WRONG[case]
    done = key(keyed, *words, code=2)
    assert why in done.err, done
    assert done.out == b""
    assert json.loads(key(keyed, "show", "k", "--json").out)["versions"][0]["number"] == 1


def test_states(keyed) -> None:
    """disable, enable and min, as `key show` tells them; the primary stays what it is."""
    key(keyed, "create", "k")
    message = key(keyed, "encrypt", "k", stdin=b"x").out
    key(keyed, "rotate", "k")
    for act in ("disable", "destroy"):
        assert "is the primary" in key(keyed, act, "k", "--version", "2", "--yes", code=10).err
    key(keyed, "disable", "k", "--version", "1")
    assert "key enable" in key(keyed, "decrypt", "k", stdin=message, code=5).err
    key(keyed, "enable", "k", "--version", "1")
    assert key(keyed, "decrypt", "k", stdin=message).out == b"x"
    key(keyed, "min", "k", "--version", "2")
    key(keyed, "decrypt", "k", stdin=message, code=5)
    shown = key(keyed, "show", "k").text
    assert "decrypts  from version 2 on" in shown
    assert "primary" in shown
    assert key(keyed, "destroy", "k", "--version", "7", "--yes", code=4).out == b""
