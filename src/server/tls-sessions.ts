import type { Server } from 'node:tls';
import type { Clock } from '../ambient/clock.js';

/** What counts now of the directives `tls-session-...`. */
export interface SessionSettings {
  'tls-session-caching': boolean;
  /** Sessions kept; 0 for no limit. */
  'tls-session-cache-size': number;
  /** In seconds. */
  'tls-session-cache-timeout': number;
}

/**
 * Sessions of clients that take no tickets, so that the server has to remember them (TLS 1.2 and older). The oldest
 * goes when there are too many.
 */
export class TlsSessions {
  private readonly sessions = new Map<string, { data: Buffer; endsAt: number }>();

  constructor(
    private readonly settings: Readonly<SessionSettings>,
    private readonly clock: Clock,
  ) {}

  get size(): number {
    return this.sessions.size;
  }

  /** Remembers and resumes the sessions of a server. */
  serve(server: Server): void {
    server.on('newSession', (id: Buffer, data: Buffer, done: () => void) => {
      this.add(id.toString('latin1'), data);
      done();
    });
    server.on('resumeSession', (id: Buffer, done: (error: Error | null, data: Buffer | null) => void) => {
      done(null, this.find(id.toString('latin1')) ?? null);
    });
  }

  private add(id: string, data: Buffer): void {
    const { settings } = this;
    if (!settings['tls-session-caching']) return;
    this.sessions.set(id, { data, endsAt: this.clock.now() + settings['tls-session-cache-timeout'] * 1000 });
    const limit = settings['tls-session-cache-size'];
    for (const oldest of this.sessions.keys()) {
      if (limit === 0 || this.sessions.size <= limit) break;
      this.sessions.delete(oldest);
    }
  }

  private find(id: string): Buffer | undefined {
    const session = this.sessions.get(id);
    if (session === undefined || !this.settings['tls-session-caching']) return undefined;
    if (this.clock.now() < session.endsAt) return session.data;
    this.sessions.delete(id);
    return undefined;
  }
}
