"""The agent from its first line to its last, in the order that keeps it safe.

Protect the process; read what only root may read; listen; become somebody who may not; only then
open the vault and serve. Source: docs/format.md#agent, docs/threat-model.md.
"""

from __future__ import annotations

import os
import signal
import sys

from strongroom.doors.agent import hardening
from strongroom.doors.agent.arguments import AgentArguments, parse
from strongroom.doors.agent.auditing import Auditing, own_principal
from strongroom.doors.agent.clocks import Dates, Lifetime
from strongroom.doors.agent.control import Control
from strongroom.doors.agent.dropping import become, make_directory_for, refuse_readable, user_named
from strongroom.doors.agent.exit_codes import exit_code
from strongroom.doors.agent.keeper import Keeper
from strongroom.doors.agent.listening import Listening, listen, passed_by_systemd
from strongroom.doors.agent.notifying import Notifier
from strongroom.doors.agent.secret_memory import SecretMemory
from strongroom.doors.agent.server import CONNECTIONS_MAX, SPARE_DESCRIPTORS, Server
from strongroom.doors.agent.system import System
from strongroom.doors.agent.ways import AT_HAND, KEY_FILE, Opening, read_key_file_bytes
from strongroom.errors import StrongroomError, VaultLocked, VaultNotFound, WouldPrompt
from strongroom.locate.addresses import is_path
from strongroom.locate.agent_sockets import SYSTEM_DIRECTORY, VARIABLE, runtime_link, socket_id, socket_path
from strongroom.locate.expected import Expected
from strongroom.service.service import Service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.locate.audit_writing import AuditFile
    from strongroom.vault.vault import Vault

_SWITCH_SECONDS = 0.0005
_AT_HAND = ("STRONGROOM_KEY_FILE", "STRONGROOM_IDENTITY_FILE", "CREDENTIALS_DIRECTORY")


def run(words: Sequence[str]) -> int:
    """Be the agent; the process's exit code."""
    try:
        agent = Agent(parse(words))
        agent.serve()
    except StrongroomError as error:
        say(error.message)
        for line in error.advice.splitlines():
            _write(f"hint: {line}\n")
        return exit_code(error)
    return 0


def say(message: str) -> None:
    """One line for a person or the journal."""
    _write(f"strongroom: {message}\n")


def _write(text: str) -> None:
    try:
        os.write(2, text.encode("utf-8", "backslashreplace"))
    except OSError:
        # Nobody listens.
        return


class Agent:
    """One agent's process.

    Raises: StrongroomError: it cannot start.
    """

    def __init__(self, arguments: AgentArguments) -> None:
        self._arguments = arguments
        os.umask(0o077)
        # Clients wait at most this long for a thread that verifies or derives a key.
        sys.setswitchinterval(_SWITCH_SECONDS)
        system = System()
        self._protections = hardening.harden(system)
        environment = dict(os.environ)
        self._at_hand = {name: environment[name] for name in _AT_HAND if name in environment}
        self._named_socket = arguments.socket or environment.get(VARIABLE, "")
        self._notifier = Notifier(environment, arguments.ready_fd)
        self._first_secret = read_key_file_bytes(arguments.key_file) if arguments.key_file else None
        if arguments.user:
            self._drop()
            # The change of user may have made the process dumpable again.
            self._protections["not_dumpable"] = system.hide_from_debuggers()
        self._listening = self._listen(environment)
        os.chdir("/")
        self._protections["environment_wiped"] = hardening.wipe_environment(system)
        self._owner_uid = os.geteuid()
        self._check_vault()
        self._dates = Dates()
        auditing = Auditing(self._dates, owner_uid=self._owner_uid)
        self._keeper = Keeper(SecretMemory(system), self._dates, auditing, self._open_audit)
        self._server = self._make_server(hardening.allow_descriptors(8192))

    @property
    def _is_shared(self) -> bool:
        """Whether other users can reach the socket's directory, so that its file's mode decides."""
        return bool(self._named_socket or self._arguments.user)

    def _listen(self, environment: dict[str, str]) -> Listening:
        from strongroom.locate.state_directory import make_directory

        passed = passed_by_systemd(environment, os.getpid())
        if passed is not None:
            return passed
        location = self._arguments.vault
        if self._is_shared:
            return listen(os.path.abspath(self._named_socket or _system_socket(location)))
        path = socket_path(location, environment)
        make_directory(os.path.dirname(path))
        listening = listen(path)
        link = runtime_link(location, environment)
        if link is not None:
            listening.link_from(link)
        return listening

    def _drop(self) -> None:
        entry = user_named(self._arguments.user)
        if not self._named_socket:
            make_directory_for(entry, SYSTEM_DIRECTORY)
        become(entry)
        if self._arguments.key_file:
            refuse_readable(self._arguments.key_file)

    def _check_vault(self) -> None:
        if is_path(self._arguments.vault) and not os.path.exists(self._arguments.vault):
            raise VaultNotFound(f"there is no vault {self._arguments.vault}", advice="make one: strongroom init")

    def _make_server(self, descriptors: int) -> Server:
        keeper = self._keeper
        server = Server(
            self._listening.socket,
            Service(keeper, owner_uid=self._owner_uid, audit=keeper.auditing),
            keeper,
            self._dates,
            owner_uid=self._owner_uid,
            vault_name=socket_id(self._arguments.vault),
            connections_max=min(CONNECTIONS_MAX, max(16, descriptors - SPARE_DESCRIPTORS)),
        )
        server.control = Control(
            keeper, self._arguments.vault, self._at_hand, about=self._about, wake=server.wake, stop=self._end
        )
        if self._is_shared:
            server.on_tick = self._follow_grants
        return server

    def _follow_grants(self) -> None:
        """Let other users connect when something was granted to any of them."""
        try:
            self._listening.open_to_others(bool(self._keeper.vault.grants()))
        except (VaultLocked, OSError):
            # The mode stays as it was; it is no protection.
            return

    def _open_audit(self, vault: Vault) -> AuditFile:
        from strongroom.locate.audit_files import audit_directory
        from strongroom.locate.audit_writing import AuditFile

        directory = self._arguments.audit_dir or audit_directory(self._arguments.vault, vault.vault_id)
        return AuditFile(directory, vault._core)

    def _about(self) -> dict[str, object]:
        return {
            "vault": self._arguments.vault,
            "socket": self._listening.path,
            "user": self._owner_uid,
            "connections": self._server.connection_count,
            "protections": self._protections,
        }

    def serve(self) -> None:
        """Unlock with what lies at hand, and serve until the end."""
        try:
            self._watch_signals()
            if self._arguments.ready_fd < 0 or self._first_secret is not None:
                self._unlock_at_start()
            self._notifier.ready("locked" if self._keeper.is_locked else "unlocked")
            if self._arguments.ready_fd >= 0:
                _let_go_of_streams()
            self._server.run()
        finally:
            self._notifier.stopping()
            self._keeper.lock_now("the agent has ended")
            self._listening.close()

    def _end(self) -> None:
        """Hold no key and be found by nobody, before whoever stops the agent is told so."""
        self._keeper.lock_now("the agent has ended")
        self._listening.close()
        self._server.stop()

    def _watch_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda _number, _frame: self._server.stop())
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)

    def _unlock_at_start(self) -> None:
        """With the key file that was named, else what the environment offers; else stay locked and say so."""
        secret, self._first_secret = self._first_secret, None
        way = KEY_FILE if secret is not None else AT_HAND
        opening = Opening(
            self._arguments.vault,
            way,
            secret if secret is not None else bytearray(),
            self._at_hand,
            expected=Expected(counter=self._arguments.expect_counter, fingerprint=self._arguments.expect_vault),
        )
        lifetime = Lifetime(self._arguments.life_seconds, self._arguments.idle_seconds)
        attempt = self._keeper.begin_unlocking(opening.open, self._server.wake, lifetime, own_principal())
        attempt.wait()
        try:
            self._keeper.finish_unlocking(attempt)
        except StrongroomError as error:
            if way == KEY_FILE or not isinstance(error, WouldPrompt):
                raise
            say("locked until somebody unlocks it: strongroom unlock")
            return
        if self._is_shared:
            self._follow_grants()


def _system_socket(location: str) -> str:
    return os.path.join(SYSTEM_DIRECTORY, socket_id(location) + ".sock")


def _let_go_of_streams() -> None:
    """Whoever started the agent goes on without it."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)
    sys.stdout = sys.stderr = None
