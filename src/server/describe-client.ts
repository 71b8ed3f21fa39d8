import type { Client } from '../clients/client.js';

/** The client as log lines show it. */
export function describe(client: Client): string {
  return `id=${client.id} addr=${client.transport.remoteAddress} name=${client.name} db=${client.database.index} cmd=${client.lastCommand}`;
}
