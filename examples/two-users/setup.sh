#!/bin/sh
# Makes the two-user arrangement, as root, once. Every name and place can be set in the environment.
#
#   strongroom   owns the vault; its agent serves, and cannot read the key file
#   web          the web application: leaves credentials, reads nothing
#   sync         the worker: reads what web has left
set -eu

OWNER=${OWNER:-strongroom}
WEB=${WEB:-web}
SYNC=${SYNC:-sync}
GROUP=${GROUP:-strongroom-deposit}
STATE=${STATE:-/var/lib/strongroom}
KEYS=${KEYS:-/etc/strongroom}
STRONGROOM=${STRONGROOM:-strongroom}

# A bare environment: the owner's home is $STATE, whoever calls this.
as_owner() {
    runuser -u "$OWNER" -- env -i HOME="$STATE" PATH="$PATH" PYTHONPATH="${PYTHONPATH:-}" \
        STRONGROOM_VAULT="$STATE/vault.db" STRONGROOM_KEY_FILE="$STATE/key" $STRONGROOM --no-agent "$@"
}

getent group "$GROUP" >/dev/null || groupadd --system "$GROUP"
for user in "$OWNER" "$WEB" "$SYNC"; do
    id "$user" >/dev/null 2>&1 || useradd --system --no-create-home --home-dir "$STATE" --shell /usr/sbin/nologin "$user"
done
usermod --append --groups "$GROUP" "$OWNER"
usermod --append --groups "$GROUP" "$WEB"

# 0711: others may pass through to the inbox, and neither list nor change what is here.
install -d -o "$OWNER" -g "$OWNER" -m 0711 "$STATE"
install -d -o root -g root -m 0755 "$KEYS"

as_owner init --key-file "$STATE/key" --no-recovery-code
as_owner grant add web --user "$WEB" --deposit 'sites/**'
as_owner grant add sync --user "$SYNC" --read 'sites/**' --list 'sites/**'
# For the hours in which no agent runs: web's own key, which writes to the same paths and opens nothing.
as_owner deposit add-key web 'sites/**' --group "$GROUP" --out "$STATE/web.key"

# From here on the vault's key is root's alone, and the owner of the vault cannot open it without root.
install -d -o "$WEB" -g "$WEB" -m 0700 "$KEYS/web"
install -o "$WEB" -g "$WEB" -m 0400 "$STATE/web.key" "$KEYS/web/deposit.key"
install -o root -g root -m 0400 "$STATE/key" "$KEYS/vault.key"
shred -u "$STATE/key" "$STATE/web.key"

echo "now, as root: strongroom agent --vault $STATE/vault.db --key-file $KEYS/vault.key --user $OWNER"
