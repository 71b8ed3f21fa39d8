import { ServerLink } from './server-link.js';

/** A link that nobody used for so long is closed. */
const idleMs = 10_000;
/** Links that are kept at most. */
const maxLinks = 64;

/** Links to other servers, kept for a while after their use. */
export class LinkCache {
  private readonly resting = new Map<string, ServerLink>();
  private readonly open = new Set<ServerLink>();

  /** Connections there are. */
  get size(): number {
    return this.open.size;
  }

  /** A link that rested; its user has it alone. It may turn out to be dead. */
  take(host: string, port: number): ServerLink | undefined {
    const address = addressOf(host, port);
    const link = this.resting.get(address);
    this.resting.delete(address);
    return link?.open === true ? link : undefined;
  }

  /** A new link. Rejects with LinkError. */
  async connect(host: string, port: number, timeoutMs: number): Promise<ServerLink> {
    const link = await ServerLink.connect(host, port, timeoutMs);
    this.open.add(link);
    link.onClosed = () => this.open.delete(link);
    return link;
  }

  /** Gives a link back, for the next one who needs it. */
  keep(host: string, port: number, link: ServerLink): void {
    const address = addressOf(host, port);
    if (!link.open) return;
    if (this.resting.has(address)) return link.close();
    for (const [oldest, other] of this.resting) {
      if (this.resting.size < maxLinks) break;
      this.resting.delete(oldest);
      other.close();
    }
    this.resting.set(address, link);
    link.rest(idleMs);
  }

  closeAll(): void {
    for (const link of this.open) link.close();
    this.resting.clear();
  }
}

function addressOf(host: string, port: number): string {
  return `${host}:${port}`;
}
