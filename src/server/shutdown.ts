import type { ShutdownRequest } from '../commands/server-api.js';
import type { RespiteServer } from './server.js';

/** Something takes its time before the end of the server: replicas that lag behind, then the last save. */
class PendingEnd {
  /** Whether the server ends. */
  readonly outcome: Promise<boolean>;
  settle!: (ends: boolean) => void;

  constructor(
    readonly request: ShutdownRequest,
    /** Unix time in ms at which it is given up. */
    readonly deadline = Number.POSITIVE_INFINITY,
  ) {
    this.outcome = new Promise((resolve) => {
      this.settle = resolve;
    });
  }
}

/** How the server comes to its end: what is still to be written is, or the server stays. */
export class Shutdown {
  /** What a signal asked for, to be done with the next periodic work. */
  private pending: ShutdownRequest | undefined;
  private lastSave: PendingEnd | undefined;
  /** Replicas are to have everything before the end. Nothing is written meanwhile. */
  private replicasWait: PendingEnd | undefined;

  constructor(private readonly server: RespiteServer) {}

  /** Asked for, and it may still be called off. */
  get isUnderWay(): boolean {
    return this.pending !== undefined || this.lastSave !== undefined || this.replicasWait !== undefined;
  }

  /** How long, in ms, it is still waited for replicas; undefined if it is not. */
  get replicasWaitLeft(): number | undefined {
    const { replicasWait, server } = this;
    return replicasWait && Math.max(0, Math.ceil(replicasWait.deadline - server.clock.now()));
  }

  /** Ends the server soon, unless `abort` comes before. */
  soon(request: ShutdownRequest): void {
    if (this.lastSave === undefined && this.replicasWait === undefined) this.pending = request;
  }

  /** True if there was something to call off. */
  abort(): boolean {
    if (!this.isUnderWay) return false;
    this.pending = undefined;
    this.giveUpWaiting();
    this.giveUpSaving(false);
    this.server.log.notice('Shutdown manually aborted.');
    return true;
  }

  /** The process ends at once. Resolves when nothing half written is left. */
  async insist(): Promise<void> {
    await this.server.saving.stop('The save that was under way is given up.');
  }

  tick(): void {
    this.checkReplicas();
    const { pending, server } = this;
    // A script in its middle is not to be seen in a file; while one is loaded, none is written.
    if (pending === undefined || (server.loop.dispatcher.busy && !server.isLoading)) return;
    this.pending = undefined;
    void this.obey(pending);
  }

  private async obey(request: ShutdownRequest): Promise<void> {
    const outcome = this.now(request);
    const reported = this.replicasWait !== undefined;
    if (!(await outcome) && !reported) this.reportErrors();
  }

  private reportErrors(): void {
    this.server.log.warning('Errors trying to shut down the server. Check the logs for more information.');
  }

  /** Ends the server. False if something could not be written and the server stays; a promise of that while it saves. */
  now(request: ShutdownRequest): boolean | Promise<boolean> {
    const { server, lastSave, replicasWait } = this;
    if (lastSave !== undefined) return this.joinLastSave(lastSave, request);
    if (replicasWait !== undefined) return this.joinReplicasWait(replicasWait, request);
    server.log.notice('User requested shutdown...');
    return this.mustWait(request) ? this.waitForReplicas(request) : this.finish(request);
  }

  private finish(request: ShutdownRequest): boolean | Promise<boolean> {
    const { server } = this;
    void server.saving.stop('There is a child saving an .rdb. Killing it!');
    server.replication.fullSync.stop();
    if (!this.finishAppendOnly(request)) return false;
    if (this.wantsSave(request)) return this.save(request);
    server.onShutdown?.(request);
    return true;
  }

  // --- replicas that lag behind

  private mustWait({ now }: ShutdownRequest): boolean {
    const { replication, config } = this.server;
    return !now && config.values['shutdown-timeout'] > 0 && replication.laggingReplicas.length > 0;
  }

  /** What clients want to write waits, so that replicas can get to the end; and they are asked how far they are. */
  private waitForReplicas(request: ShutdownRequest): Promise<boolean> {
    const { server } = this;
    const deadline = server.clock.now() + server.config.values['shutdown-timeout'] * 1000;
    server.log.notice('Waiting for replicas before shutting down.');
    server.replication.askReplicasNow();
    server.loop.dispatcher.pauseClients(Number.POSITIVE_INFINITY, false, 'shutdown');
    this.replicasWait = new PendingEnd(request, deadline);
    return this.replicasWait.outcome;
  }

  private checkReplicas(): void {
    const { replicasWait, server } = this;
    if (replicasWait === undefined) return;
    if (server.replication.laggingReplicas.length > 0 && server.clock.now() < replicasWait.deadline) return;
    this.endReplicasWait(replicasWait, replicasWait.request);
  }

  /** Another SHUTDOWN meanwhile waits too, or ends the waiting. */
  private joinReplicasWait(replicasWait: PendingEnd, request: ShutdownRequest): Promise<boolean> {
    if (request.now) this.endReplicasWait(replicasWait, request);
    return replicasWait.outcome;
  }

  private endReplicasWait(replicasWait: PendingEnd, request: ShutdownRequest): void {
    this.replicasWait = undefined;
    this.server.replication.reportLag();
    const settle = (ends: boolean) => {
      if (!ends) this.reportErrors();
      this.settleReplicasWait(replicasWait, ends);
    };
    const outcome = this.finish(request);
    if (typeof outcome === 'boolean') settle(outcome);
    else void outcome.then(settle);
  }

  private giveUpWaiting(): void {
    const { replicasWait } = this;
    if (replicasWait === undefined) return;
    this.replicasWait = undefined;
    this.settleReplicasWait(replicasWait, false);
  }

  private settleReplicasWait({ outcome, settle }: PendingEnd, ends: boolean): void {
    const { dispatcher } = this.server.loop;
    settle(ends);
    // Later, for this may be a batch already. What is written before the end would be lost.
    if (!ends) void outcome.then(() => dispatcher.inBackground(() => dispatcher.unpauseClients('shutdown')));
  }

  // --- the last save

  /** Another SHUTDOWN during the last save waits for its end, or does without it. */
  private joinLastSave({ outcome }: PendingEnd, { save }: ShutdownRequest): Promise<boolean> {
    if (save === 'nosave') this.giveUpSaving(true);
    return outcome;
  }

  private giveUpSaving(ends: boolean): void {
    if (this.lastSave === undefined) return;
    void this.server.saving.stop('The last save is given up.');
    this.endLastSave(ends);
  }

  private finishAppendOnly({ force }: ShutdownRequest): boolean {
    const { appendOnly, log } = this.server;
    if (appendOnly.state === 'off') return true;
    if (appendOnly.state === 'starting') {
      log.warning(force ? 'Writing initial AOF. Exiting anyway.' : "Writing initial AOF, can't exit");
      if (!force) return false;
    }
    if (appendOnly.rewriting) {
      log.warning('There is a child rewriting the AOF. Killing it!');
      appendOnly.cancel();
    }
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
  private save(request: ShutdownRequest): Promise<boolean> {
    const { server } = this;
    server.log.notice('Saving the final RDB snapshot before exiting.');
    server.loop.dispatcher.pauseForEnd(true);
    const lastSave = new PendingEnd(request);
    this.lastSave = lastSave;
    server.saving.saveLast((saved) => this.endLastSave(saved || this.endsUnsaved(request)));
    return lastSave.outcome;
  }

  /** The last save has failed. True if the server ends all the same. */
  private endsUnsaved({ force }: ShutdownRequest): boolean {
    this.server.log.warning(
      force ? 'Error trying to save the DB, but exiting anyway.' : "Error trying to save the DB, can't exit.",
    );
    return force;
  }

  private endLastSave(ends: boolean): void {
    const { lastSave, server } = this;
    if (lastSave === undefined) return;
    this.lastSave = undefined;
    lastSave.settle(ends);
    if (ends) return server.onShutdown?.(lastSave.request);
    const { dispatcher } = server.loop;
    // Later, for this may be a batch already.
    void lastSave.outcome.then(() => dispatcher.inBackground(() => dispatcher.pauseForEnd(false)));
  }
}
