import { type Call, CommandFlag } from '../commands/command.js';
import type { ServerApi } from '../commands/server-api.js';
import { shortened } from '../observation/slow-log.js';
import type { Dispatcher } from './dispatcher.js';

/**
 * Notes down commands that have run: the slow ones. The dispatcher compares the time of each command with one
 * threshold, kept here, so that all the others cost nothing more.
 */
export class CommandObserver {
  constructor(
    private readonly server: ServerApi,
    private readonly dispatcher: Dispatcher,
  ) {
    dispatcher.onNoteworthy = (call, microseconds, finished) => this.note(call, microseconds, finished);
    server.config.onChange('slowlog-log-slower-than', () => this.adjust());
    this.adjust();
  }

  /** Brings the dispatcher's threshold in line with what is wanted now. */
  adjust(): void {
    this.dispatcher.noteworthyMicroseconds = this.slowLogThreshold();
  }

  private slowLogThreshold(): number {
    const microseconds = this.server.config.values['slowlog-log-slower-than'];
    return microseconds < 0 ? Number.POSITIVE_INFINITY : microseconds;
  }

  /** A command took at least the threshold. If it is not `finished`, its client is blocked and it will run again. */
  private note(call: Call, microseconds: number, finished: boolean): void {
    if (finished && microseconds >= this.slowLogThreshold()) this.logSlow(call, microseconds);
  }

  private logSlow({ client, command, args, argc }: Call, microseconds: number): void {
    const { server } = this;
    if (command.has(CommandFlag.skip_slowlog)) return;
    server.slowLog.add(
      {
        time: Math.floor(server.clock.now() / 1000),
        microseconds: Math.floor(microseconds),
        args: shortened(args, argc, command.spec.secrets?.(args, argc) ?? []),
        address: client.transport.remoteAddress,
        name: client.name,
      },
      server.config.values['slowlog-max-len'],
    );
  }
}
