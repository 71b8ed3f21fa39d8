import { MessageChannel, type MessagePort } from 'node:worker_threads';

/**
 * Gives the memory of an ArrayBuffer back at once; its views have no bytes afterwards. The engine has no such call (but
 * `transfer`, in newer versions), and its garbage collector may take minutes to notice that 64 MiB were dropped; but
 * memory that is sent to a port leaves the sender, and what is sent to a closed port is freed.
 */
export function freeNow(memory: ArrayBufferLike): void {
  if (!(memory instanceof ArrayBuffer)) return;
  nobody.postMessage(null, [memory]);
}

/** Made at once, for it is not closed before the next turn of the event loop. */
const nobody = closedPort();

function closedPort(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  port1.unref();
  return port1;
}
