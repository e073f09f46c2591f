#!/bin/sh
# Starts Sluice in the container. With the configuration of the image, the API listens on every address of the
# container, so that `docker run -p 1985:1985` reaches it, and asks for a password: that of SLUICE_API_PASSWORD, or else
# a new one, which is printed once. A configuration of your own (a mounted file, `-c`, SRS_HTTP_API_...) is left alone.
set -eu

config="${SLUICE_IMAGE_CONFIG:-/usr/share/sluice/sluice.conf}"

uses_image_config() {
    [ "$*" = "-c /etc/sluice/sluice.conf" ] || return 1
    cmp -s "$config" "${SLUICE_CONFIG:-/etc/sluice/sluice.conf}" || return 1
    ! env | grep -q '^SRS_HTTP_API_'
}

if uses_image_config "$@"; then
    user="${SLUICE_API_USER:-admin}"
    password="${SLUICE_API_PASSWORD:-}"
    if [ -z "$password" ]; then
        password="$(node -e 'process.stdout.write(require("node:crypto").randomBytes(18).toString("base64url"))')"
        echo "The API on port 1985 asks for the user $user and the password $password"
        echo "SLUICE_API_PASSWORD sets a password that lasts: docker run -e SLUICE_API_PASSWORD=..."
    fi
    export SRS_HTTP_API_LISTEN=1985 SRS_HTTP_API_AUTH_ENABLED=on
    export SRS_HTTP_API_AUTH_USERNAME="$user" SRS_HTTP_API_AUTH_PASSWORD="$password"
fi
unset SLUICE_API_PASSWORD
exec sluice "$@"
