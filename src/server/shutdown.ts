import type { ShutdownRequest } from '../commands/server-api.js';
import type { RespiteServer } from './server.js';

/** How the server comes to its end: what is still to be written is, or the server stays. */
export class Shutdown {
  /** What a signal asked for, to be done with the next periodic work. */
  private pending: ShutdownRequest | undefined;

  constructor(private readonly server: RespiteServer) {}

  /** A signal has come and is not obeyed yet. */
  get isPending(): boolean {
    return this.pending !== undefined;
  }

  /** Ends the server soon, unless `abort` comes before. */
  soon(request: ShutdownRequest): void {
    this.pending = request;
  }

  /** True if there was something to call off. */
  abort(): boolean {
    if (this.pending === undefined) return false;
    this.pending = undefined;
    this.server.log.notice('Shutdown manually aborted.');
    return true;
  }

  tick(): void {
    const { pending, server } = this;
    if (pending === undefined) return;
    this.pending = undefined;
    if (this.now(pending)) return;
    server.log.warning('Errors trying to shut down the server. Check the logs for more information.');
  }

  /** Ends the server. False if something could not be written and the server stays. */
  now(request: ShutdownRequest): boolean {
    const { server } = this;
    server.log.notice('User requested shutdown...');
    server.saving.stop('There is a child saving an .rdb. Killing it!');
    if (!this.finishAppendOnly(request) || !this.save(request)) return false;
    server.onShutdown?.(request);
    return true;
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

  private save({ save, force }: ShutdownRequest): boolean {
    const { dataSet, saving, savesByItself, log } = this.server;
    const wanted = save === 'save' || (save === 'default' && savesByItself);
    // While it is loaded, the file has more than the server.
    if (!wanted || dataSet.loading !== undefined) return true;
    log.notice('Saving the final RDB snapshot before exiting.');
    if (saving.save()) return true;
    log.warning(
      force ? 'Error trying to save the DB, but exiting anyway.' : "Error trying to save the DB, can't exit.",
    );
    return force;
  }
}
