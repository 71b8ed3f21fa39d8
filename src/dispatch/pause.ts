import type { Bytes } from '../bytes/bytes.js';
import type { Client } from '../clients/client.js';
import { CommandFlag } from '../commands/command.js';
import type { Command } from '../commands/registry.js';
import type { ServerApi } from '../commands/server-api.js';

/** Who waits, and why: CLIENT PAUSE, until when and for which kind of command, or the server's last save. */
export class Pause {
  /** Clients with a command that waits, in order of arrival. */
  readonly clients = new Set<Client>();
  /** Unix time in ms at which the pause of CLIENT PAUSE ends; 0 while there is none. */
  until = 0;
  private all = false;
  /** The server writes its data for the last time: everything waits but SHUTDOWN, which may call it off. */
  ending = false;

  get active(): boolean {
    return this.until > 0 || this.ending;
  }

  /** Begins a pause, or joins it with the one that lasts: the later end and the stricter mode hold. */
  begin(until: number, all: boolean): void {
    this.all = all || (this.until > 0 && this.all);
    this.until = Math.max(this.until, until);
  }

  end(): void {
    this.until = 0;
  }

  /** True if a command has to wait: in the milder mode only what could change data or reach replicas. */
  covers(server: ServerApi, client: Client, command: Command, args: Bytes[], argc: number): boolean {
    if (this.ending) return command.fullName !== 'shutdown';
    if (this.all) return true;
    if (command.fullName === 'exec') return client.transaction?.mayWrite === true;
    return mayWrite(command.flagsFor(server, args, argc));
  }
}

/** True of commands with these bits of CommandFlag that could change data or reach replicas. */
export function mayWrite(flags: number): boolean {
  return (flags & (CommandFlag.write | CommandFlag.may_replicate)) !== 0;
}
