"""The rules of the house, held by tests: who imports whom, how long a file may be, what loads at start-up."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "strongroom"
FILES = sorted(SOURCE.rglob("*.py"))

FILE_LINES_MAX = 400
COMMAND_LINES_MAX = 120
FUNCTION_LINES_MAX = 40
CRYPTO_LINES_MAX = 1800
X509_LINES_MAX = 1_300  # docs/decisions/0020
FOREIGN_LINES_MAX = 600  # docs/decisions/0021

CONTRACTS = (
    "imports only go down",
    "only the audited room touches cryptographic libraries",
    "a store knows no key and no secret",
    "no door knows another",
    "frameworks stay in their door",
)

# name of the case: (file in strongroom/, line that is planted there, the contract that must break)
PLANTED = {
    "a ground stone imports a room": ("errors.py", "import strongroom.vault", CONTRACTS[0]),
    "wire imports crypto": ("wire.py", "def late():\n    import strongroom.crypto", CONTRACTS[0]),
    "items import wire": ("items.py", "from strongroom.wire import u8", CONTRACTS[0]),
    "keys import a store": ("keys/planted.py", "from strongroom.stores import interface", CONTRACTS[0]),
    "the vault imports locate": ("vault/planted.py", "import strongroom.locate", CONTRACTS[0]),
    "a room nobody declared": ("helpers/__init__.py", "", CONTRACTS[0]),
    "a later floor is held already": ("formats/__init__.py", "import strongroom.doors", CONTRACTS[0]),
    "the vault imports cryptography": ("vault/planted.py", "from cryptography import fernet", CONTRACTS[1]),
    "keys import hmac": ("keys/planted.py", "import hmac", CONTRACTS[1]),
    "a ground stone imports hashlib late": ("secret.py", "def late():\n    import hashlib", CONTRACTS[1]),
    "a store imports secret": ("stores/planted.py", "from strongroom.secret import wipe", CONTRACTS[2]),
    "a store imports items": ("stores/planted.py", "import strongroom.items", CONTRACTS[2]),
    "a store imports crypto": ("stores/planted.py", "import strongroom.crypto", CONTRACTS[2]),
    "one door imports another": ("doors/planted.py", "import strongroom.doors.cli", CONTRACTS[3]),
    "the vault imports argparse": ("vault/planted.py", "import argparse", CONTRACTS[4]),
    "locate imports django": ("locate/planted.py", "import django", CONTRACTS[4]),
    "keys speak to the desktop's keyring": ("keys/slots/planted.py", "import keyring", CONTRACTS[4]),
    "the vault imports age": ("vault/planted.py", "def late():\n    import pyrage", CONTRACTS[4]),
    "locate combines shares itself": ("locate/planted.py", "import shamir_mnemonic", CONTRACTS[4]),
}

# What `import strongroom` may not load: each costs milliseconds, or belongs to a vault that is not open yet.
NOT_AT_START = (
    "_hashlib", "argparse", "asyncio", "base64", "contextlib", "cryptography", "dataclasses", "datetime", "enum",
    "functools", "hashlib", "hmac", "importlib.metadata", "inspect", "json", "logging", "pathlib", "re", "socket",
    "sqlite3", "ssl", "subprocess", "tempfile", "typing", "unicodedata", "urllib",
)  # fmt: skip

# Only crypto and keys reveal keys. Every other place that takes a secret out of its cover is listed
# with the reason: `reveal()`, and `field.data`, the stored form of a field (a call, `data()`, is something else).
REVEALS = {
    "secret.py": "defines it",
    "items.py": "an item makes a SecretStr of its field, or text of a field that is not secret",
    "vault/records.py": "encodes the fields of a version, to be encrypted at once",
    "vault/authority/records.py": "takes certificates and an authority's key from their items",
    "vault/authority/authority.py": "reads the certificates of an authority, which are public",
    "vault/values.py": "what a program stores may be a SecretStr",
    "vault/requiring.py": "what a person answered to `require` is stored, then wiped",
    "vault/named_keys/danger.py": "gives out the private part of a named key",
    "vault/named_keys/kinds.py": "makes what works with a key of its private part",
    "vault/named_keys/messages.py": "encrypts with the private part of a named key",
    "vault/named_keys/named_key.py": "opens with the private part of a named key",
    "vault/named_keys/named_keys.py": "decodes a named key from its item",
    "vault/named_keys/record.py": "encodes a named key, to be stored at once",
    "remote/fields.py": "writes fields into a request, byte for byte",
    "service/fields.py": "merges JSON fields all the way down",
    "service/json_text.py": "writes values into an answer, byte for byte",
    "service/own.py": "answers with the bytes of one field",
    "service/versions.py": "takes the names out of JSON fields",
    "credentials/public_keys.py": "writes the private part of a named key that somebody asks for",
    "doors/cli/certificate_files.py": "prints the password that a PKCS #12 file was just given",
    "doors/cli/key_uses.py": "prints a key that somebody asks for",
    "credentials/boxes.py": "seals and opens with a private key that a program gives",
    "credentials/fernet.py": "a Fernet key may be a SecretStr",
    "credentials/fernet_passwords.py": "a password may be a SecretStr",
    "credentials/passwords.py": "a password may be a SecretStr; a pepper goes into its hash",
    "credentials/password_strings/argon2.py": "a pepper goes into the hash",
    "credentials/password_strings/pbkdf2.py": "a pepper goes into the hash",
    "credentials/peppers.py": "takes 32 bytes over",
    "encrypted_files/adding.py": "compares what is read after a change with what was to be written",
    "encrypted_files/bodies.py": "takes the tokens out of a file, and compares it with what was to be written",
    "encrypted_files/opened.py": "gives the value of an encrypted file that is asked for, and takes a new one",
    "doors/agent/file_values.py": "answers with a value of an encrypted file that a client brought",
    "doors/cli/file_actions.py": "prints the value of an encrypted file that is asked for",
    "encrypted_files/sops/file.py": "compares the values of a SOPS file with its MAC, and writes them",
    "encrypted_files/sops/tree.py": "asks whether a value is empty",
    "encrypted_files/sops/metadata.py": "takes the data key of a SOPS file out of its buffer",
    "encrypted_files/sops/writing.py": "encrypts the values of a SOPS file",
    "formats/ansible_vault.py": "puts the decrypted value in the place of the encrypted one",
    "formats/dotenvx_file.py": "puts the decrypted value in the place of the encrypted one",
    "formats/example.py": "looks for a file's values in its comments",
    "formats/interface.py": "asks whether a value looks secret",
    "formats/plan.py": "makes fields of a file's values, and compares the file that holds references",
    "formats/yaml_file.py": "asks whether an alias calls a value secret",
    "doors/cli/foreign_files.py": "takes the references out of an example file",
    "doors/cli/importing.py": "compares what is stored with what is to be",
    "credentials/issued_tokens.py": "takes the digest of a token that it just made",
    "doors/cli/assignments.py": "puts values into the environment of a program that is started",
    "doors/cli/exporting.py": "writes the fields that were asked for",
    "doors/cli/issuing.py": "prints the new token, once",
    "doors/cli/running_programs.py": "gives the values that are to be masked to what masks them",
    "doors/cli/scan_sources.py": "the files that are looked through, not the vault's values",
    "doors/cli/scanning.py": "the files that are looked through, not the vault's values",
    "doors/cli/tokens.py": "prints the random token that was asked for",
    "formats/references.py": "writes a field in the form that a reference asks for",
    "formats/scan_values.py": "makes the forms of a value that are looked for",
    "credentials/recipients.py": "a program may give the passphrase as a SecretStr",
    "credentials/stored_keys.py": "signs with a named key, and encrypts and decrypts files with one",
    "settings/mapping.py": "settings are read as text",
    "credentials/oauth/credential.py": "an access token goes into a header",
    "credentials/oauth/exchange.py": "tokens and the client's secret go to the token endpoint",
    "credentials/oauth/provider.py": "looks whether the client's secret can be sent",
    "credentials/oauth/records.py": "tokens go into the item's fields",
    "django/settings.py": "settings are read as text",
    "django/forms.py": "a form keeps the stored value where nothing was typed, or shows it where it is asked to",
    "django/reports.py": "looks for the values that it masks",
    "django/admin.py": "shows a user's value to its owner, on the page behind the button",
    "django/user_vaults/fields.py": "a value that moves to another row is encrypted for it",
    "django/user_vaults/escrow_opening.py": "looks which values open in a vault, and forgets them",
    "django/user_vaults/password_hooks.py": "a password is covered on its way into a thread",
    "django/user_vaults/locked.py": "a locked value that is asked for opens",
    "django/user_vaults/sessions.py": "wraps a user key with the browser's",
    "django/user_vaults/shown.py": "a form that is asked to shows the value",
    "django/user_vaults/slots.py": "wraps and seals a user key",
    "django/user_vaults/vaults.py": "takes a password or a code that a program gives",
    "django/user_vaults/management/commands/strongroom_escrow.py": "prints the recovery code that was asked for",
    "django/hand_over/limits.py": "looks for the values that it masks",
    "django/hand_over/records.py": "reads the field, which is no secret, that says for whom a credential is",
    "doors/keyring.py": "keyring hands passwords out as text",
    "locate/diagnosis/authority.py": "compares two certificates of a root",
    "locate/unlock.py": "a program may give the passphrase as a SecretStr",
    "doors/cli/fields.py": "the text of `edit`, and `get --json`",
    "doors/cli/commands/edit.py": "compares before and after",
    "doors/cli/commands/get.py": "prints the value that was asked for",
    "doors/cli/new_credentials.py": "shows the new recovery code, once",
    "doors/cli/next_steps.py": "puts the new recovery code into the output of init --json",
    "doors/cli/shares.py": "shows the new shares, once",
    "doors/cli/recovery_codes.py": "shows the new recovery code, once",
}

# A vault's `_core` is for the vault's own room. Every other file that needs what a program never does is listed with
# the reason.
INSIDE = {
    "doors/agent/agent.py": "the audit files that the agent writes are keyed by the vault",
    "doors/agent/keeper.py": "moves the keys into their page of memory; gives the vault a clock that never goes back",
    "doors/agent/verifying.py": "verifies a second look at the store beside the open vault",
    "doors/cli/audits.py": "audit files and checkpoints are read with the vault's keys",
    "doors/cli/commands/audit.py": "audit files are reviewed with the vault's keys",
    "doors/cli/commands/status.py": "an anchor keeps a header",
    "locate/copying.py": "a copy is made row by row",
    "locate/recognition.py": "compares the header with what an anchor remembers",
    "locate/restoring.py": "a backup is brought up to date, and copied row by row",
    "locate/unlock.py": "asks which format the store has",
    "locate/upgrading.py": "brings the store to the newest format",
    "service/call.py": "knows a repeated request in its own transaction",
    "service/own.py": "opens one field without making an item of it",
    "service/service.py": "looks once at the store for requests that came together",
}


def check_contracts(tree: Path) -> dict[str, bool]:
    """Run the linter over *tree*; say of each contract whether it was kept."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    environment = {"PYTHONPATH": str(tree / "src"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=120)
    verdicts = re.findall(r"^(.+?) (KEPT|BROKEN)", done.stdout, re.MULTILINE)
    assert verdicts, done.stdout + done.stderr
    return {name: verdict == "KEPT" for name, verdict in verdicts}


def copy_tree(target: Path) -> Path:
    """A copy of the sources and their contracts."""
    shutil.copy(ROOT / "pyproject.toml", target)
    shutil.copytree(SOURCE, target / "src" / "strongroom", ignore=shutil.ignore_patterns("__pycache__"))
    return target


def test_every_contract_is_kept(tmp_path: Path) -> None:
    """The tree as it is breaks no contract, and no contract has gone missing."""
    assert check_contracts(copy_tree(tmp_path)) == dict.fromkeys(CONTRACTS, True)


@pytest.mark.parametrize("case", PLANTED)
def test_a_planted_import_breaks_its_contract(case: str, tmp_path: Path) -> None:
    """Each contract notices the import it is there to forbid, and only that contract breaks."""
    name, line, contract = PLANTED[case]
    planted = copy_tree(tmp_path) / "src" / "strongroom" / name
    planted.parent.mkdir(exist_ok=True)
    (planted.parent / "__init__.py").touch()
    with planted.open("a") as file:
        file.write(f"\n{line}\n")
    broken = {name for name, kept in check_contracts(tmp_path).items() if not kept}
    assert contract in broken
    assert broken <= {contract, CONTRACTS[0]}, "a cycle through the floors may show as well, nothing else"


def count_lines(path: Path) -> int:
    """Lines of a file."""
    return len(path.read_text(encoding="utf-8").splitlines())


def lines_of_examples(path: Path) -> int:
    """Lines of a command's ``EXAMPLES``, which are text for people."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "EXAMPLES":
            return (node.end_lineno or 0) - node.lineno + 1
    return 0


def long_functions(source: str) -> list[tuple[str, int]]:
    """Functions of more lines than the budget, without their docstrings."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            described = (first.end_lineno or 0) - first.lineno + 1 if is_docstring else 0
            lines = (node.end_lineno or 0) - node.lineno + 1 - described
            if lines > FUNCTION_LINES_MAX:
                found.append((node.name, lines))
    return found


def test_no_file_is_too_long() -> None:
    """400 lines fail; a command has 120 beside its examples, the audited room 1,800, X.509 1,300, foreign files 600."""
    lengths = {str(path.relative_to(SOURCE)): count_lines(path) for path in FILES}
    assert {name: lines for name, lines in lengths.items() if lines >= FILE_LINES_MAX} == {}
    commands = {
        name: lines - lines_of_examples(SOURCE / name)
        for name, lines in lengths.items()
        if name.startswith("doors/cli/commands/")
    }
    assert {name: lines for name, lines in commands.items() if lines > COMMAND_LINES_MAX} == {}
    x509 = sum(lines for name, lines in lengths.items() if name.startswith("crypto/x509/"))
    assert x509 <= X509_LINES_MAX
    foreign = sum(lines for name, lines in lengths.items() if name.startswith("crypto/foreign/"))
    assert foreign <= FOREIGN_LINES_MAX
    rest = sum(lines for name, lines in lengths.items() if name.startswith("crypto/")) - x509 - foreign
    assert rest <= CRYPTO_LINES_MAX


def test_no_function_is_too_long() -> None:
    """A function has at most 40 lines besides its docstring."""
    found = {str(path.relative_to(SOURCE)): long_functions(path.read_text(encoding="utf-8")) for path in FILES}
    assert {name: functions for name, functions in found.items() if functions} == {}


def test_the_function_budget_sees_a_long_function() -> None:
    """The measure counts statements and leaves docstrings out."""
    docstring = '    """' + "one\n" * 60 + '    """\n'
    assert long_functions("def short():\n" + docstring + "    pass\n" * 39) == []
    assert long_functions("def long():\n" + docstring + "    pass\n" * 40) == [("long", 41)]


def loaded_by(statement: str) -> set[str]:
    """The modules that *statement* adds to those of a bare interpreter."""
    program = f"import sys; before = set(sys.modules); {statement}; print(*(set(sys.modules) - before))"
    environment = {"PYTHONPATH": str(SOURCE.parent)}
    command = [sys.executable, "-S", "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def test_importing_the_package_loads_next_to_nothing() -> None:
    """`import strongroom` loads no library and no room but its face."""
    loaded = loaded_by("import strongroom")
    assert "strongroom" in loaded
    assert sorted(loaded & set(NOT_AT_START)) == []
    assert {name for name in loaded if name.startswith("strongroom.")} <= {"strongroom.errors", "strongroom.secret"}


def test_the_start_up_guard_sees_a_heavy_import() -> None:
    """The guard notices a module that is loaded through another one."""
    assert "sqlite3" in loaded_by("import strongroom, sqlite3")
    assert "strongroom.errors" in loaded_by("import strongroom.items")


def test_every_reveal_is_listed() -> None:
    """Each file outside crypto and keys that takes a secret out of its cover is known here, and still does."""
    word = re.compile(r"\breveal(_buffer)?\(|\.data\b(?!\()")
    found = {
        str(path.relative_to(SOURCE))
        for path in FILES
        if path.relative_to(SOURCE).parts[0] not in ("crypto", "keys")
        and any(word.search(line) for line in code_lines(path))
    }
    assert found == set(REVEALS)


def test_every_look_into_a_vault_is_listed() -> None:
    """Each file outside the vault's room that takes a vault's core is known here, and still does."""
    word = re.compile(r"(?<!\bself)\._core\b")
    found = {
        str(path.relative_to(SOURCE))
        for path in FILES
        if path.relative_to(SOURCE).parts[0] != "vault" and any(word.search(line) for line in code_lines(path))
    }
    assert found == set(INSIDE)


def code_lines(path: Path) -> list[str]:
    """The file without comments, docstrings and other texts."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.unparse(tree).splitlines()


def test_the_tree_names_no_machine_and_no_registry() -> None:
    """Nothing that is committed knows a directory of the machine it was written on, or a registry's host."""
    # Put together here, or this file would name them.
    words = ("/" + "work/", "/" + "opt/srvenv", "/" + "root/", "pypi" + ".org", "python" + "hosted", "npmjs" + ".")
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, timeout=60)
    names = [name for name in listing.stdout.decode().split("\0") if name]
    assert "tests/unit/test_house.py" in names
    found = [
        f"{name}: {word}"
        for name in names
        if (ROOT / name).is_file()
        for word in words
        # A path begins there: "pki/root/generate" is a place of another program's interface.
        if re.search((r"(?<![\w.-])" if word[0] == "/" else "") + re.escape(word), (ROOT / name).read_text("latin-1"))
    ]
    assert found == []


def test_the_tree_of_errors_is_the_one_that_is_drawn() -> None:
    """The docstring of errors.py shows every class under its parent."""
    from strongroom import errors

    drawn: dict[str, str] = {}
    branch: dict[int, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"^([ │├└─]*)([A-Z]\w+)(?: \(KeyError\))?(?:  .*)?$", line)
        if match and (match[1].strip() or match[2] == "StrongroomError"):
            depth = len(match[1]) // 4
            branch[depth] = match[2]
            drawn[match[2]] = branch[depth - 1] if depth > 1 else "Exception"
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    assert drawn == {cls.__name__: cls.__bases__[0].__name__ for cls in classes if issubclass(cls, Exception)}
