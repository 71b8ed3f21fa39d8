import type { ShutdownRequest } from '../commands/server-api.js';
import type { RespiteServer } from './server.js';

/**
 * An end that takes its time: first for replicas that lag behind, then for the last save. The server ends, or stays.
 */
class SlowEnd {
  /** Whether the server ends. */
  readonly outcome: Promise<boolean>;
  settle!: (ends: boolean) => void;

  constructor(
    public request: ShutdownRequest,
    /** Unix time in ms up to which replicas are waited for; undefined during the last save. */
    public replicaDeadline?: number,
  ) {
    this.outcome = new Promise((resolve) => {
      this.settle = resolve;
    });
  }
}

/** How the server comes to its end: what is still to be sent and written is, or the server stays. */
export class Shutdown {
  /** What a signal asked for, to be done with the next periodic work. */
  private pending: ShutdownRequest | undefined;
  private underWay: SlowEnd | undefined;

  constructor(private readonly server: RespiteServer) {}

  /** Asked for, and it may still be called off. */
  get isUnderWay(): boolean {
    return this.pending !== undefined || this.underWay !== undefined;
  }

  /** How long replicas are still waited for, in ms; undefined unless they are. */
  get waitsForReplicasMs(): number | undefined {
    const deadline = this.underWay?.replicaDeadline;
    return deadline === undefined ? undefined : Math.max(0, Math.floor(deadline - this.server.clock.now()));
  }

  /** Ends the server soon, unless `abort` comes before. */
  soon(request: ShutdownRequest): void {
    if (this.underWay === undefined) this.pending = request;
  }

  /** True if there was something to call off. */
  abort(): boolean {
    if (!this.isUnderWay) return false;
    this.pending = undefined;
    this.giveUpSaving();
    this.settle(false);
    this.server.log.notice('Shutdown manually aborted.');
    return true;
  }

  /** The process ends at once. Resolves when nothing half written is left. */
  async insist(): Promise<void> {
    await this.server.saving.stop('The save that was under way is given up.');
  }

  tick(): void {
    const { pending, server, underWay } = this;
    if (underWay !== undefined) this.lookAtReplicas(underWay);
    // A script in its middle is not to be seen in a file; while one is loaded, none is written.
    if (pending === undefined || (server.loop.dispatcher.busy && !server.isLoading)) return;
    this.pending = undefined;
    void this.now(pending);
  }

  /**
   * Ends the server. False if something could not be written and the server stays; a promise of that if it takes
   * time.
   */
  now(request: ShutdownRequest): boolean | Promise<boolean> {
    const { server, underWay } = this;
    if (underWay !== undefined) return this.join(underWay, request);
    server.log.notice('User requested shutdown...');
    const patienceMs = server.config.values['shutdown-timeout'] * 1000;
    if (request.now || patienceMs === 0 || this.laggingReplicas().length === 0) return this.finish(request);
    server.log.notice('Waiting for replicas before shutting down.');
    server.replication.askReplicasNow();
    server.loop.dispatcher.pause.begin(Number.POSITIVE_INFINITY, false, 'shutdown');
    this.underWay = new SlowEnd(request, server.clock.now() + patienceMs);
    return this.underWay.outcome;
  }

  /** Another SHUTDOWN waits for the same end, or has it sooner. */
  private join(underWay: SlowEnd, { save, now }: ShutdownRequest): Promise<boolean> {
    if (save === 'nosave') underWay.request = { ...underWay.request, save };
    if (underWay.replicaDeadline !== undefined) {
      if (now) this.goOn(underWay);
    } else if (save === 'nosave') {
      this.giveUpSaving();
      this.settle(true);
    }
    return underWay.outcome;
  }

  // --- replicas

  /** Those that say how far they are. */
  private get replicas() {
    return this.server.replication.replicas.filter(({ traits, silent }) => !traits.snapshotOnly && !silent);
  }

  private laggingReplicas() {
    const { offset } = this.server.replication.log;
    return this.replicas.filter(({ acknowledged }) => acknowledged !== offset);
  }

  private lookAtReplicas(underWay: SlowEnd): void {
    const { replicaDeadline } = underWay;
    if (replicaDeadline === undefined) return;
    if (this.server.clock.now() >= replicaDeadline || this.laggingReplicas().length === 0)
      this.goOn(underWay);
  }

  /** Replicas are not waited for any more. */
  private goOn(underWay: SlowEnd): void {
    underWay.replicaDeadline = undefined;
    const outcome = this.finish(underWay.request, underWay);
    if (typeof outcome === 'boolean') this.settle(outcome);
  }

  private tellOfReplicas(): void {
    const { log, replication, clock } = this.server;
    const { length: count } = this.replicas;
    if (count === 0) return;
    const lagging = this.laggingReplicas();
    for (const replica of lagging) {
      const behind = replication.log.offset - replica.acknowledged;
      const seconds = Math.floor((clock.now() - replica.acknowledgedAt) / 1000);
      log.notice(
        `Lagging replica ${replica.name} reported offset ${behind} behind master, lag=${seconds}, state=${replica.state}.`,
      );
    }
    log.notice(`${count - lagging.length} of ${count} replicas are in sync when shutting down.`);
  }

  // --- files

  /** What is left when nobody is waited for. */
  private finish(request: ShutdownRequest, underWay?: SlowEnd): boolean | Promise<boolean> {
    const { server } = this;
    this.tellOfReplicas();
    void server.saving.stop('There is a child saving an .rdb. Killing it!');
    server.replication.fullSync.stop();
    if (!this.finishAppendOnly(request)) return this.fail();
    if (this.wantsSave(request)) return this.save(underWay ?? new SlowEnd(request));
    if (underWay === undefined) server.onShutdown?.(request);
    return true;
  }

  private fail(): false {
    this.server.log.warning('Errors trying to shut down the server. Check the logs for more information.');
    return false;
  }

  private finishAppendOnly({ force }: ShutdownRequest): boolean {
    const { appendOnly, log } = this.server;
    if (appendOnly.state === 'starting') {
      log.warning(force ? 'Writing initial AOF. Exiting anyway.' : "Writing initial AOF, can't exit");
      if (!force) return false;
    }
    if (appendOnly.rewriting) {
      log.warning('There is a child rewriting the AOF. Killing it!');
      appendOnly.cancel();
    }
    if (appendOnly.state === 'off') return true;
    log.notice('Calling fsync() on the AOF file.');
    if (appendOnly.commit()) return true;
    log.warning(force ? 'Error writing the AOF, but exiting anyway.' : "Error writing the AOF, can't exit.");
    return force;
  }

  private wantsSave({ save }: ShutdownRequest): boolean {
    const { dataSet, savesByItself } = this.server;
    // While it is loaded, the file has more than the server.
    return (save === 'save' || (save === 'default' && savesByItself)) && dataSet.loading === undefined;
  }

  /** Saves in slices while all clients wait, so that a second signal and SHUTDOWN ABORT are heard. */
  private save(underWay: SlowEnd): Promise<boolean> {
    const { server } = this;
    this.underWay = underWay;
    server.log.notice('Saving the final RDB snapshot before exiting.');
    server.loop.dispatcher.pause.forEnd(true);
    try {
      server.saving.saveLast((saved) => this.settle(saved || this.endsUnsaved(underWay.request)));
    } catch (error) {
      server.log.warning(`Internal error while saving: ${String(error)}`);
      this.settle(this.endsUnsaved(underWay.request));
    }
    return underWay.outcome;
  }

  private giveUpSaving(): void {
    const { underWay, server } = this;
    if (underWay === undefined || underWay.replicaDeadline !== undefined) return;
    void server.saving.stop('The last save is given up.');
  }

  /** The last save has failed. True if the server ends all the same. */
  private endsUnsaved({ force }: ShutdownRequest): boolean {
    const { log } = this.server;
    if (!force) log.warning("Error trying to save the DB, can't exit.");
    else log.warning('Error trying to save the DB, but exiting anyway.');
    return force || this.fail();
  }

  private settle(ends: boolean): void {
    const { underWay, server } = this;
    if (underWay === undefined) return;
    this.underWay = undefined;
    underWay.settle(ends);
    if (ends) return server.onShutdown?.(underWay.request);
    const { dispatcher } = server.loop;
    const resume = () => {
      dispatcher.pause.forEnd(false);
      dispatcher.pause.end('shutdown');
    };
    // Later, for this may be a batch already.
    void underWay.outcome.then(() => dispatcher.inBackground(resume));
  }
}
