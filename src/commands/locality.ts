import type { Client } from '../clients/client.js';

/** True if the client is on this machine: connected over loopback or a unix socket. */
export function isLocal(client: Client): boolean {
  const address = client.transport.remoteAddress;
  return /^(127\.|\[::1\]|\[::ffff:127\.)/.test(address) || address.endsWith(':0');
}
