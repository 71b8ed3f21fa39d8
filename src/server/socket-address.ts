import type { Socket } from 'node:net';

/** Where a client connects from, as Redis writes it: `ip:port`, `[ip]:port`, or `path:0` with a Unix socket. */
export function remoteAddressOf(socket: Socket, unixPath: string | undefined): string {
  return unixPath === undefined ? format(socket.remoteAddress, socket.remotePort) : `${unixPath}:0`;
}

/** Where it connects to, in the same form. */
export function localAddressOf(socket: Socket, unixPath: string | undefined): string {
  return unixPath === undefined ? format(socket.localAddress, socket.localPort) : `${unixPath}:0`;
}

function format(address: string | undefined, port: number | undefined): string {
  if (address === undefined) return '?:0';
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
