"""``strongroom file``: files for git in which each value is encrypted by itself."""

from __future__ import annotations

from strongroom.doors.cli.exit_codes import OK
from strongroom.doors.cli.interface import GlobalArguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "configuration files for git, each value encrypted"
WORDS = "[ACTION] [WORD...]"
DETAILS = """\
  file encrypt FILE          in its place: --recipient R, --key NAME; --plain 'db.*' leaves some readable
  file decrypt FILE          to standard output, or -o OUT
  file edit FILE             in your editor, in memory alone; also what git could not merge
  file set FILE KEY          one value, from the terminal or standard input; KEY as in db.password
  file get FILE KEY          one value
  file recipients FILE       who may read it; --recipient R, --key NAME: these too; --remove R: no longer
  file rotate FILE           everything under a new key
  file check FILE...         whether it is intact; --without-key: whether all of it is encrypted;
                             --staged: of every file that git is about to commit
  file install-git [PATTERN...]   merge and diff such files in this repository, and let no plain
                             text into a commit; PATTERN, such as *.secret.yaml, says which they are
  file merge BASE OURS THEIRS PATH   what git calls to merge
  file textconv FILE         what git calls to show differences; with STRONGROOM_SHOW_VALUES=1 values

SOPS files (YAML, JSON, dotenv, INI, binary; age recipients) are seen and kept as such; --sops makes one.
A file opens with --identity FILE (age or SSH), with STRONGROOM_IDENTITY_FILE, or with a key of the
vault that it is encrypted to. Who can write the file can replace all of it: sign what must have an author.
"""
EXAMPLES = """\
strongroom file encrypt settings.yaml --recipient ~/.ssh/id_ed25519.pub --plain '*.host'
strongroom file get settings.yaml db.password --identity ~/.ssh/id_ed25519
strongroom file install-git '*.secret.yaml'
"""
_GRAMMARS = {
    **dict.fromkeys(("encrypt", "decrypt", "edit", "recipients", "rotate", "textconv"), "FILE"),
    **dict.fromkeys(("set", "get"), "FILE KEY=keys..."),
    "check": "[FILE=files...]",
    "install-git": "[PATTERN=patterns...]",
    "merge": "BASE OURS THEIRS PATH",
}


class Arguments(GlobalArguments):
    """What ``file`` was given."""

    action: str = ""
    word: list[str]
    file: str = ""
    files: list[str]
    keys: list[str]
    patterns: list[str]
    base: str = ""
    ours: str = ""
    theirs: str = ""
    path: str = ""
    recipient: list[str]
    key: list[str]
    remove: list[str]
    plain: list[str]
    format: str | None = None
    dialect: str | None = None
    output: str | None = None
    force: bool = False
    accept: bool = False
    sops: bool = False
    staged: bool = False
    without_key: bool = False
    min_revision: int | None = None
    seen: dict[str, bytes]

    def __init__(self) -> None:
        self.seen = {}
        self.word, self.files, self.keys, self.patterns = [], [], [], []
        self.recipient, self.key, self.remove, self.plain = [], [], [], []


def add_options(parser: ArgumentParser) -> None:
    """Add what the actions take."""
    from strongroom.doors.cli.arguments import positive_number

    def several(*names: str, metavar: str, help: str) -> None:
        parser.add_argument(*names, metavar=metavar, action="append", default=[], help=help)

    several("-r", "--recipient", metavar="R", help="age1..., an SSH public key, or a file of these; repeated")
    several("--key", metavar="NAME", help="a key of the vault (aead or box) that may read it too; repeated")
    several("--remove", metavar="R", help="of recipients: who shall not read it any more; repeated")
    several("--plain", metavar="PATTERN", help="of encrypt: names whose values stay readable; repeated")
    formats = ("yaml", "json", "toml", "ini", "dotenv")
    parser.add_argument("--format", choices=formats, help="of encrypt: if the name of FILE does not say it")
    parser.add_argument("--dialect", choices=("python-dotenv", "compose", "posix"), help="of a dotenv file")
    parser.add_argument("-o", "--output", metavar="OUT", help="of encrypt and decrypt: write to OUT")
    parser.add_argument("--force", action="store_true", default=False, help="replace OUT if it exists")
    parser.add_argument(
        "--accept", action="store_true", default=False, help="of encrypt: what was changed by hand; of recipients: all"
    )
    parser.add_argument("--sops", action="store_true", default=False, help="of encrypt: as the program sops does it")
    parser.add_argument("--staged", action="store_true", default=False, help="of check: what git is about to commit")
    parser.add_argument("--without-key", action="store_true", default=False, help="of check: only what needs no key")
    parser.add_argument(
        "--min-revision", metavar="N", type=positive_number, help="of check, get and decrypt: refuse an older one"
    )


def run(arguments: Arguments) -> int:
    """Do what ACTION says."""
    from strongroom.doors.cli import file_actions, file_changes, file_editing, file_git, file_hook, file_sops
    from strongroom.doors.cli.actions import take_action

    take_action("file", _GRAMMARS, arguments)
    if file_sops.run_if_sops(arguments):
        return OK
    actions = {**file_actions.ACTIONS, **file_changes.ACTIONS, **file_editing.ACTIONS, **file_git.ACTIONS}
    return {**actions, **file_hook.ACTIONS}[arguments.action](arguments)
