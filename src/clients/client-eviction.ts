import { type Client, Gate } from './client.js';
import type { ClientRegistry } from './registry.js';

/**
 * Keeps the memory of all clients together below a limit (`maxmemory-clients`) by ending the connections of those
 * that take the most.
 */
export class ClientEviction {
  /** In bytes; 0 for none. */
  limit = 0;
  /** Clients evicted since the start or the last reset. */
  evictedClients = 0;

  constructor(
    private readonly clients: ClientRegistry,
    private readonly onEvict: (client: Client) => void,
  ) {}

  /** Costs next to nothing while there is no limit, and little while it is kept. */
  enforce(): void {
    if (this.limit > 0 && this.clients.memory > this.limit) this.evict();
  }

  private evict(): void {
    const candidates = [...this.clients.all()].filter(mayBeEvicted);
    candidates.sort((a, b) => memoryOf(b) - memoryOf(a));
    for (const client of candidates) {
      if (this.clients.memory <= this.limit) return;
      this.onEvict(client);
      this.evictedClients++;
      this.clients.disconnect(client, false);
    }
  }
}

/** Bytes that a client takes, as they were counted last. */
export function memoryOf(client: Client): number {
  return client.countedBytes + client.reply.held;
}

function mayBeEvicted(client: Client): boolean {
  return !client.noEvict && !client.closing && (client.gate & (Gate.replica | Gate.primary)) === 0;
}
