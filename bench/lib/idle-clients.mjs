// Child process of bench/connections.mjs: holds connections open, and sends one PING on each when told.
import { RawClient } from './client.mjs';

/** Connections opened at once: below the usual accept backlog. */
const AT_ONCE = 100;

/** @type {RawClient[]} */
const clients = [];

process.on('message', async (/** @type {any} */ message) => {
  try {
    if (message === 'ping') for (const client of clients) await client.command('PING');
    else await open(message);
    process.send?.('done');
  } catch (error) {
    process.send?.(String(error));
  }
});
process.on('disconnect', () => process.exit());
process.send?.('ready');

/** @param {{ port: number, count: number, localAddress: string }} order */
async function open({ port, count, localAddress }) {
  const address = { port, localAddress: localAddress || undefined };
  while (clients.length < count) {
    const wave = Math.min(AT_ONCE, count - clients.length);
    clients.push(...(await Promise.all(Array.from({ length: wave }, () => RawClient.connect(address)))));
  }
}
