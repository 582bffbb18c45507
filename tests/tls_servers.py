"""Servers of others on a port of their own, with one file for key, certificate and intermediate; and curl."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.certificates import environment, free_port, run, wait_for_port

NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; user root;
events {{ }}
http {{ access_log off;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {file}; ssl_certificate_key {file};
    location / {{ return 200 "served"; }} }} }}
"""
HAPROXY = """
defaults
  mode http
  timeout client 10s
  timeout server 10s
  timeout connect 10s
frontend f
  bind 127.0.0.1:{port} ssl crt {file}
  http-request return status 200 content-type text/plain string served
"""
# It serves no file, and so needs none that its user may read.
APACHE = """
ServerRoot {folder}
ServerName localhost
DefaultRuntimeDir {folder}
PidFile {folder}/apache.pid
ErrorLog {folder}/apache.log
User www-data
Listen 127.0.0.1:{port}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
SSLEngine on
SSLCertificateFile {file}
ErrorDocument 404 served
"""
STUNNEL = """
foreground = yes
pid =
[https]
accept = 127.0.0.1:{port}
cert = {file}
exec = {folder}/page
"""
PAGE = """#!/bin/sh
# All of the request is read: what is left unread would take the answer with it.
while read -r line && [ ${#line} -gt 1 ]; do :; done
printf 'HTTP/1.0 200 OK\\r\\n\\r\\nserved'
"""
# Twisted's command line takes everything as words; of the one file it reads the key, the first certificate, and all.
TWISTED = "ssl:{port}:interface=127.0.0.1:privateKey={file}:certKey={file}:extraCertChain={file}"
CONFIGURATIONS = {"nginx": NGINX, "haproxy": HAPROXY, "apache2": APACHE, "stunnel4": STUNNEL, "twist": TWISTED}
COMMANDS = {
    "nginx": ["nginx", "-p", "{folder}", "-c", "{config}"],
    "haproxy": ["haproxy", "-f", "{config}"],
    "apache2": ["apache2", "-X", "-f", "{config}"],
    "stunnel4": ["stunnel4", "{config}"],
    "twist": [sys.executable, "-m", "twisted", "web", "--listen", "{text}", "--path", "{folder}/pages"],
}
PATH = "/usr/sbin:/usr/bin:/bin"


@contextmanager
def server(program: str, folder: Path, file: Path, *, reloads: bool = False) -> Iterator[int]:
    """One of `CONFIGURATIONS` on a port of its own.

    Args:
        folder: for its files.
        file: what `ca issue` has written.
        reloads: of nginx and haproxy, whether a master shall be there, which takes signals; its pid is in PROGRAM.pid.
    """
    port = free_port()
    config = folder / f"{program}.conf"
    text = CONFIGURATIONS[program].format(folder=folder, port=port, file=file)
    config.write_text(text.replace("master_process off; ", "") if reloads else text)
    (folder / "pages").mkdir()
    (folder / "pages" / "index.html").write_text("served")
    page = folder / "page"
    page.write_text(PAGE)
    page.chmod(0o700)
    command = [word.format(folder=folder, config=config, text=text) for word in COMMANDS[program]]
    if reloads and program == "haproxy":
        command += ["-W", "-p", str(folder / "haproxy.pid")]
    with (folder / f"{program}.said").open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, env=environment(PATH=PATH))
    try:
        wait_for_port(port, process)
        yield port
    finally:
        process.terminate()
        process.wait()


def curl(folder: Path, name: str, port: int) -> subprocess.CompletedProcess[str]:
    """A page, from a client that trusts the root.pem of *folder* and nobody else."""
    resolve = ("--resolve", f"{name}:{port}:127.0.0.1")
    return run("curl", "-sS", "--cacert", "root.pem", *resolve, f"https://{name}:{port}/", cwd=folder)
