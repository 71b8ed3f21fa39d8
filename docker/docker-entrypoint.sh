#!/bin/sh
# `docker run IMAGE`, `docker run IMAGE --flag value`, `docker run IMAGE /path/file.conf --flag value` start the
# server; anything else is a program to run in the image.
set -e

# Whether an argument or the configuration file sets the directive $1.
is_set() {
  directive=$1
  shift
  for word in "$@"; do
    case $word in
      "--$directive" | "--$directive "*) return 0 ;;
      *.conf) if [ -r "$word" ] && grep -Eiq "^[[:space:]]*$directive[[:space:]]" "$word"; then return 0; fi ;;
    esac
  done
  return 1
}

case ${1-} in
  -* | *.conf) set -- respite "$@" ;;
esac

if [ "${1-}" = respite ]; then
  # A container is reached through its published ports only, never from its own loopback address.
  is_set protected-mode "$@" || set -- "$@" --protected-mode no
fi

exec "$@"
