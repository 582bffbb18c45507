#!/bin/sh
# Makes the arrangement for a real machine, as root, once. Every name and place can be set in the environment.
#
#   strongroom   owns the worker's vault; its agent serves, and cannot read the key file
#   web          the site: deposits credentials, and reads none
#   sync         the worker: reads what was deposited, and destroys what was withdrawn
set -eu

OWNER=${OWNER:-strongroom}
WEB=${WEB:-web}
SYNC=${SYNC:-sync}
GROUP=${GROUP:-strongroom-deposit}
SITE_GROUP=${SITE_GROUP:-shoebox}
STATE=${STATE:-/var/lib/strongroom}
SITE=${SITE:-/var/lib/shoebox}
KEYS=${KEYS:-/etc/strongroom}
STRONGROOM=${STRONGROOM:-strongroom}

# A bare environment: the owner's home is $STATE, whoever calls this.
as_owner() {
    runuser -u "$OWNER" -- env -i HOME="$STATE" PATH="$PATH" PYTHONPATH="${PYTHONPATH:-}" \
        STRONGROOM_VAULT="$STATE/vault.db" STRONGROOM_KEY_FILE="$STATE/key" $STRONGROOM --no-agent "$@"
}

# What signs the cookies of one user's processes; the worker, which makes none, has another than the site.
new_secret_key() {
    install -d -o "$1" -g "$1" -m 0700 "$KEYS/$1"
    (umask 077; od -An -N48 -tx1 /dev/urandom | tr -d ' \n' > "$KEYS/$1/secret-key")
    chown "$1:$1" "$KEYS/$1/secret-key"
}

for group in "$GROUP" "$SITE_GROUP"; do
    getent group "$group" > /dev/null || groupadd --system "$group"
done
for user in "$OWNER" "$WEB" "$SYNC"; do
    id "$user" > /dev/null 2>&1 || useradd --system --no-create-home --home-dir "$STATE" --shell /usr/sbin/nologin "$user"
done
usermod --append --groups "$GROUP" "$OWNER"
usermod --append --groups "$GROUP,$SITE_GROUP" "$WEB"
usermod --append --groups "$SITE_GROUP" "$SYNC"

# The site's database, which both write to; SQLite gives its journal the mode of the file.
install -d -o "$WEB" -g "$SITE_GROUP" -m 2770 "$SITE"
install -d -o "$WEB" -g "$WEB" -m 0700 "$SITE/mail"
install -o "$WEB" -g "$SITE_GROUP" -m 0660 /dev/null "$SITE/site.sqlite3"

# 0711: others may pass through to the inbox, and neither list nor change what is here.
install -d -o "$OWNER" -g "$OWNER" -m 0711 "$STATE"
install -d -o root -g root -m 0755 "$KEYS"
new_secret_key "$WEB"
new_secret_key "$SYNC"

# `update` is for OAuth, whose refresh tokens change with every use.
as_owner init --key-file "$STATE/key" --no-recovery-code
as_owner grant add web --user "$WEB" --deposit 'handed-over/**'
as_owner grant add sync --user "$SYNC" --read 'handed-over/**' --list 'handed-over/**' \
    --update 'handed-over/**' --delete 'handed-over/**'
# For the hours in which no agent runs: web's own key, which writes to the same paths and opens nothing.
as_owner deposit add-key web 'handed-over/**' --group "$GROUP" --out "$STATE/web.key"

# From here on the vault's key is root's alone, and the owner of the vault cannot open it without root.
install -o "$WEB" -g "$WEB" -m 0400 "$STATE/web.key" "$KEYS/$WEB/deposit.key"
install -o root -g root -m 0400 "$STATE/key" "$KEYS/vault.key"
shred -u "$STATE/key" "$STATE/web.key"

echo "now, as root: strongroom agent --vault $STATE/vault.db --key-file $KEYS/vault.key --user $OWNER"
