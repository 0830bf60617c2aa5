"""A real IMAP server: Dovecot, from the packages of the system, in a folder and on ports of its own."""

import asyncio
import imaplib
import os
import pwd
import shutil
import signal
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from deploy.local.debian import PROGRAMS, find
from deploy.local.ports import free_ports
from deploy.local.processes import Child, Command, spawn
from tests.eventually import eventually
from tests.integration.intake.media.certificates import write_certificate

T = TypeVar("T")

PASSWORD = 'a password with "quotes" and \\ and ü'
NAME = "mail.example.org"
WITHOUT_IDLE = "127.0.0.2"
"""Whoever connects to this address is told of fewer capabilities."""

_CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
listen = 127.0.0.1, {without_idle}
protocols = imap
default_internal_user = {internal}
default_login_user = {login}
default_internal_group = {group}
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2 oauthbearer
auth_failure_delay = 0
mail_location = maildir:~/Maildir
mail_max_userip_connections = 100
mailbox_idle_check_interval = 1 secs
first_valid_uid = 1
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  # Else whoever comes after refused logins from the same address, as every test does, waits for up to 15 s.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = scheme=plain username_format=%u {folder}/users/%u
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.conf
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
local {without_idle} {{
  protocol imap {{
    imap_capability = IMAP4rev1 SASL-IR
  }}
}}
"""


class Dovecot:
    """A server, its users, and what a mail program does there.

    issuer: where it asks whose a token is
    """

    def __init__(self, folder: Path, issuer: str) -> None:
        self.folder = folder
        self.port, self.tls_port = free_ports(2)
        self.certificate, key = write_certificate(folder, NAME)
        self._child: Child | None = None
        is_root = os.geteuid() == 0
        me = pwd.getpwuid(os.geteuid()).pw_name
        owner = pwd.getpwnam("nobody") if is_root else pwd.getpwuid(os.geteuid())
        (folder / "mail").mkdir()
        if is_root:
            os.chown(folder / "mail", owner.pw_uid, owner.pw_gid)
        (folder / "users").mkdir()
        (folder / "oauth2.conf").write_text(
            f"tokeninfo_url = {issuer}/tokeninfo?token=\nusername_attribute = email\ntimeout_msecs = 5000\n"
        )
        (folder / "dovecot.conf").write_text(
            _CONFIG.format(
                folder=folder,
                internal="dovecot" if is_root else me,
                login="dovenull" if is_root else me,
                group="dovecot" if is_root else owner.pw_gid,
                certificate=self.certificate,
                key=key,
                imap=self.port,
                imaps=self.tls_port,
                uid=owner.pw_uid,
                gid=owner.pw_gid,
                without_idle=WITHOUT_IDLE,
            )
        )

    async def start(self) -> None:
        program = find("dovecot")
        assert program, f"this test needs an IMAP server: apt-get install {PROGRAMS['dovecot']}"
        with (self.folder / "output.log").open("ab") as output:
            command = Command([program, "-F", "-c", str(self.folder / "dovecot.conf")])
            self._child = await asyncio.to_thread(spawn, command, output=output)

        async def answers() -> bool:
            assert self._child is not None
            assert not self._child.ended.is_set(), (self.folder / "dovecot.log").read_text()[-2000:]
            try:
                await asyncio.to_thread(lambda: imaplib.IMAP4("127.0.0.1", self.port, timeout=5).shutdown())
            except (OSError, imaplib.IMAP4.error):
                return False
            return True

        await eventually(answers)

    async def stop(self, how: int = signal.SIGTERM) -> None:
        if self._child is not None:
            await asyncio.to_thread(self._child.stop, how, within_s=5)

    def add(self, user: str, password: str = PASSWORD) -> None:
        """A user who may log in."""
        (self.folder / "users" / user).write_text(f"{user}:{password}:::::\n")

    async def do(self, user: str, action: Callable[[imaplib.IMAP4], T], password: str = PASSWORD) -> T:
        """Lets a mail program of the standard library do something."""

        def whole() -> T:
            with imaplib.IMAP4("127.0.0.1", self.port, timeout=10) as program:
                program.authenticate("PLAIN", lambda _: f"\0{user}\0{password}".encode())
                return action(program)

        return await asyncio.to_thread(whole)

    async def append(self, user: str, *mails: bytes, folder: str = "INBOX") -> None:
        def action(program: imaplib.IMAP4) -> None:
            for mail in mails:
                status, said = program.append(folder, "", "", mail)
                assert status == "OK", said

        await self.do(user, action)

    async def flags(self, user: str, folder: str = "INBOX") -> list[str]:
        """The flags of each message of a folder, in their order; none where there is no such folder."""

        def action(program: imaplib.IMAP4) -> list[str]:
            status, (there,) = program.select(f'"{folder}"', readonly=True)
            if status != "OK" or there == b"0":
                return []
            found = program.fetch("1:*", "(FLAGS)")[1]
            return [line.decode() for line in found if isinstance(line, bytes)]

        return await self.do(user, action)


@contextmanager
def dovecot_folder() -> Iterator[Path]:
    """Short enough for the names of sockets, and open to the accounts that the server runs as."""
    folder = Path(tempfile.mkdtemp(prefix="dovecot-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))
