import { monitorLine } from '../clients/monitors.js';
import { type Call, CommandFlag } from '../commands/command.js';
import type { ServerApi } from '../commands/server-api.js';
import { shortened } from '../observation/slow-log.js';
import type { CommandAccounts } from './accounts.js';

/**
 * Notes down commands that took long, in the slow log and the latency monitor, and shows all of them to those
 * who watch, if anybody does. The dispatcher compares the time of each command with one threshold, set here,
 * so that all the others cost nothing more.
 */
export class CommandObserver {
  constructor(
    private readonly server: ServerApi,
    private readonly accounts: CommandAccounts,
  ) {
    accounts.onNoteworthy = (call, microseconds, finished) => this.note(call, microseconds, finished);
    server.config.onChange('slowlog-log-slower-than', () => this.adjust());
    server.config.onChange('latency-monitor-threshold', () => this.adjust());
    server.monitors.onChange = () => this.adjust();
    server.config.onChange('latency-tracking', () => this.adjust());
    this.adjust();
  }

  /** Brings the latency monitor and the accounts in line with what is wanted now. */
  private adjust(): void {
    const { server, accounts } = this;
    const { values } = server.config;
    const { latency } = server;
    latency.threshold = values['latency-monitor-threshold'];
    const spike = latency.enabled ? latency.threshold * 1000 : Number.POSITIVE_INFINITY;
    const every = server.monitors.size > 0 ? 0 : Number.POSITIVE_INFINITY;
    accounts.reportFrom(Math.min(this.slowLogThreshold(), spike, every));
    accounts.tracksLatency = values['latency-tracking'];
  }

  private slowLogThreshold(): number {
    const microseconds = this.server.config.values['slowlog-log-slower-than'];
    return microseconds < 0 ? Number.POSITIVE_INFINITY : microseconds;
  }

  /**
   * A command took at least the threshold. If it is not `finished`, its client is blocked and it will run
   * again.
   */
  private note(call: Call, microseconds: number, finished: boolean): void {
    const event = call.command.has(CommandFlag.fast) ? 'fast-command' : 'command';
    this.server.latency.note(event, microseconds / 1000);
    if (this.server.monitors.size > 0 && !call.retried) this.showToMonitors(call);
    if (finished && microseconds >= this.slowLogThreshold()) this.logSlow(call, microseconds);
  }

  private showToMonitors(call: Call): void {
    if (!call.command.has(CommandFlag.skip_monitor | CommandFlag.admin)) showToMonitors(this.server, call);
  }

  private logSlow(call: Call, microseconds: number): void {
    const { server } = this;
    const { client, command, fromScript } = call;
    if (command.has(CommandFlag.skip_slowlog)) return;
    // One that waited may have been run again with other arguments.
    const args = client.blocked?.sent ?? call.args;
    const argc = client.blocked?.sent?.length ?? call.argc;
    server.slowLog.add(
      {
        time: Math.floor(server.clock.now() / 1000),
        microseconds: Math.floor(microseconds),
        args: shortened(args, argc, command.spec.secrets?.(args, argc) ?? []),
        address: fromScript ? '?:0' : client.transport.remoteAddress,
        name: client.name,
      },
      server.config.values['slowlog-max-len'],
    );
  }
}

/** Shows a command to all who watch. */
export function showToMonitors(server: ServerApi, { client, command, args, argc }: Call): void {
  const { remoteAddress, unixPath } = client.transport;
  server.monitors.feed(
    monitorLine({
      time: Math.floor(server.clock.now() * 1000),
      database: client.database.index,
      address: unixPath === undefined ? remoteAddress : `unix:${unixPath}`,
      args,
      argc,
      secrets: command.spec.secrets?.(args, argc) ?? [],
    }),
  );
}
