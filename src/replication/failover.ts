import type { Replica } from './replica.js';
import type { ReplicaHost } from './replica-host.js';
import type { ReplicaRole } from './replica-role.js';
import type { Replication } from './replication.js';

/** As INFO shows it. */
export type FailoverState = 'no-failover' | 'waiting-for-sync' | 'failover-in-progress';

export interface FailoverRequest {
  /** Who is to take over; undefined: whoever is ready first. */
  target: { host: string; port: number } | undefined;
  /** Milliseconds after which it is given up; 0 for never. */
  timeoutMs: number;
  /** After that time hand over to the target all the same, though it lacks something. */
  force: boolean;
}

/**
 * The planned change of the primary: writing waits until a replica has everything; then that one is asked to be the
 * primary, and this server becomes its replica.
 */
export class Failover {
  state: FailoverState = 'no-failover';
  private request: FailoverRequest = { target: undefined, timeoutMs: 0, force: false };
  /** Unix time in ms. */
  private deadline = Number.POSITIVE_INFINITY;

  constructor(
    private readonly host: ReplicaHost,
    private readonly replication: Replication,
    private readonly role: ReplicaRole,
  ) {}

  begin(request: FailoverRequest): void {
    const { host } = this;
    const { target, timeoutMs } = request;
    this.request = request;
    this.deadline = timeoutMs === 0 ? Number.POSITIVE_INFINITY : host.clock.now() + timeoutMs;
    this.state = 'waiting-for-sync';
    host.log.notice(
      target === undefined ? 'FAILOVER requested.' : `FAILOVER requested to ${target.host}:${target.port}.`,
    );
    host.loop.dispatcher.pause.begin(Number.POSITIVE_INFINITY, false, 'failover');
    this.replication.holdsPings = true;
  }

  /** To be called often while there is something to do. */
  tick(): void {
    if (this.state === 'no-failover') return;
    if (this.host.clock.now() > this.deadline) return this.timedOut();
    if (this.state !== 'waiting-for-sync') return;
    const ready = this.candidates().find(({ acknowledged }) => acknowledged === this.replication.log.offset);
    if (ready === undefined) return;
    const { address, traits } = ready;
    this.host.log.notice(`Failover target ${address}:${traits.listeningPort} is synced, failing over.`);
    this.handOver(address, traits.listeningPort);
  }

  private candidates(): Replica[] {
    const online = this.replication.replicas.filter(({ state }) => state === 'online');
    const { target } = this.request;
    return target === undefined ? online : online.filter((replica) => isAt(replica, target));
  }

  private timedOut(): void {
    const { target, force } = this.request;
    if (this.state === 'waiting-for-sync' && force && target !== undefined) {
      this.host.log.notice(`Failover to ${target.host}:${target.port} time out exceeded, failing over.`);
      this.deadline = Number.POSITIVE_INFINITY;
      return this.handOver(target.host, target.port);
    }
    this.abort('Replica never caught up before timeout');
  }

  private handOver(host: string, port: number): void {
    this.state = 'failover-in-progress';
    this.role.follow(host, port, true);
  }

  /** The replica-to-be was accepted: the other one is the primary now. */
  succeeded(): void {
    if (this.state === 'failover-in-progress') this.end();
  }

  /** The other one does not want to be the primary. */
  rejected(): void {
    if (this.state === 'failover-in-progress') this.abort('Failover target rejected psync request');
  }

  /** Everything is as it was before, but for the name of the history. */
  abort(why: string): void {
    const { state, host, role } = this;
    if (state === 'no-failover') return;
    host.log.notice(`Aborting failover: ${why}`);
    if (state === 'failover-in-progress') role.promote();
    this.end();
  }

  private end(): void {
    this.state = 'no-failover';
    this.replication.holdsPings = false;
    const { dispatcher } = this.host.loop;
    setImmediate(() => {
      if (this.state === 'no-failover') dispatcher.inBackground(() => dispatcher.pause.end('failover'));
    });
  }
}

/** True of the replica that is known under that address. */
export function isAt({ address, traits }: Replica, target: { host: string; port: number }): boolean {
  return address === target.host && traits.listeningPort === target.port;
}
