import type { Bytes } from '../bytes/bytes.js';
import { lowerCase } from '../bytes/bytes.js';
import { DurationHistogram } from '../observation/duration-histogram.js';
import { CommandFlag, type CommandSpec, type Handler } from './command.js';
import { firstElement, hasMovableKeys, keyRange } from './key-specs.js';
import type { ServerApi } from './server-api.js';
import { type Argument, arityOf, parseSyntax } from './syntax.js';

/** No subcommand's name is longer, in bytes; what a client sends may be. */
const longestSubcommand = 64;

/** A command as the dispatcher uses it: its declaration, what follows from it, and its statistics. */
export class Command {
  /** With its container: `config|get`. */
  readonly fullName: string;
  /** Bits of `CommandFlag`. */
  readonly flags: number;
  readonly handler: Handler | undefined;
  /** Its duration need not be measured by itself: see `CommandSpec.brief`. */
  readonly brief: boolean;
  /** Brief, and concerns keys: when it has run, its client may do what it might before, unless it waits now. */
  readonly plain: boolean;
  readonly subcommands: ReadonlyMap<string, Command> | undefined;
  /** Position of the first key, 0 if there is none at a fixed place; for looking ahead. */
  readonly firstKey: number;
  /** Distance to the next key, 0 if there is only one. */
  readonly keyStep: number;
  /** Position of the first field or member, 0 if it names none; for looking ahead. */
  readonly firstElement: number;
  calls = 0;
  /** Total run time in µs. */
  microseconds = 0;
  /** What the latest run took that a script asked for and that was measured, in µs. */
  microsecondsInScript = 0;
  rejectedCalls = 0;
  failedCalls = 0;
  /** Run times, once there are any. */
  latencies: DurationHistogram | undefined;
  /** `arity`, or 0 as long as nobody has asked. */
  private words = 0;

  constructor(
    readonly spec: CommandSpec,
    readonly parent?: Command,
  ) {
    this.fullName = parent === undefined ? spec.name : `${parent.spec.name}|${spec.name}`;
    this.flags = spec.flags.reduce((bits, name) => bits | CommandFlag[name], 0);
    if (hasMovableKeys(spec)) this.flags |= CommandFlag.movablekeys;
    this.handler = spec.handler;
    this.brief = isBrief(spec) && !spec.flags.includes('blocking');
    const concernsKeys = (this.flags & (CommandFlag.readonly | CommandFlag.write)) !== 0;
    this.plain = this.brief && concernsKeys && this.handler !== undefined && spec.subcommands === undefined;
    const keys = keyRange(spec);
    this.firstKey = keys.first;
    this.keyStep = keys.last === keys.first ? 0 : keys.step;
    this.firstElement = firstElement(spec);
    if (spec.subcommands) {
      this.subcommands = new Map(spec.subcommands.map((sub) => [sub.name, new Command(sub, this)]));
    }
  }

  /** How many words a call has, names included; negative: at least so many. Counted when it is first asked for. */
  get arity(): number {
    if (this.words === 0) this.words = this.countWords();
    return this.words;
  }

  private countWords(): number {
    const { spec } = this;
    if (spec.arity !== undefined) return spec.arity;
    if (spec.subcommands && !spec.handler) return -2;
    return arityOf(this.syntax(), this.parent === undefined ? 1 : 2);
  }

  /** The argument tree. Parsed anew on each call: only COMMAND and a command's first call want it. */
  syntax(): Argument[] {
    return parseSyntax(this.spec.syntax, this.spec.types);
  }

  /** Throws Error if the declaration of this command, or of one below it, has a mistake in its syntax. */
  checkSyntax(): void {
    this.syntax();
    for (const sub of this.subcommands?.values() ?? []) sub.checkSyntax();
  }

  /** The subcommand of that name, in any case. */
  subcommand(name: Bytes): Command | undefined {
    return name.length > longestSubcommand ? undefined : this.subcommands?.get(name.latin1().toLowerCase());
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  /** Bits of CommandFlag that hold for such a call. */
  flagsFor(server: ServerApi, args: Bytes[], argc: number): number {
    return this.spec.flagsFor === undefined ? this.flags : this.spec.flagsFor(server, args, argc);
  }

  /** True if `argc` words, all names included, are a number the command takes. */
  accepts(argc: number): boolean {
    const { arity } = this;
    return arity >= 0 ? argc === arity : argc >= -arity;
  }

  /** Counts runs that took so many µs each. Hot. */
  countRuns(runs: number, microseconds: number, inHistogram: boolean): void {
    this.calls += runs;
    this.microseconds += microseconds * runs;
    if (!inHistogram) return;
    this.latencies ??= new DurationHistogram();
    this.latencies.record(microseconds, runs);
  }

  resetStatistics(): void {
    this.latencies = undefined;
    this.calls = this.microseconds = this.rejectedCalls = this.failedCalls = 0;
    for (const sub of this.subcommands?.values() ?? []) sub.resetStatistics();
  }
}

function isBrief({ brief, complexity }: CommandSpec): boolean {
  return brief ?? /^O\((1|log\(N\))\)$/.test(complexity);
}

/**
 * Commands by name. The look-up works on the request's bytes, ignoring case, without making a string.
 * Hot: about 15 ns.
 */
export class CommandTable {
  private readonly byName = new Map<string, Command>();
  /** Commands that have another name now, or none, by their first one. */
  private readonly renamed = new Map<string, Command>();
  private slots: (Command | undefined)[] = [];
  private names: Buffer[] = [];
  private mask = 0;
  /** Where the last command was found: the next one is likely to be the same. */
  private lastSlot = 0;

  constructor(specs: Iterable<CommandSpec>) {
    for (const spec of specs) {
      if (this.byName.has(spec.name)) throw new Error(`command '${spec.name}' is declared twice`);
      this.byName.set(spec.name, new Command(spec));
    }
    this.index();
  }

  get size(): number {
    return this.byName.size;
  }

  /** All commands with the name they answer to, in order of declaration. */
  entries(): IterableIterator<[string, Command]> {
    return this.byName.entries();
  }

  all(): IterableIterator<Command> {
    return this.byName.values();
  }

  /** All commands, each followed by its subcommands. */
  *everyCommand(): IterableIterator<Command> {
    for (const command of this.byName.values()) {
      yield command;
      yield* command.subcommands?.values() ?? [];
    }
  }

  /** By latin1 name, any case; `container|sub` for a subcommand. */
  named(name: string): Command | undefined {
    const [own, ...subs] = name.toLowerCase().split('|');
    const command = this.byName.get(own);
    return subs.length === 0 ? command : command?.subcommands?.get(subs.join('|'));
  }

  /** The command a request names, not looking at subcommands. */
  find(name: Bytes): Command | undefined {
    const { buffer, start, end } = name;
    if (this.names[this.lastSlot].length === end - start && this.isNamed(this.lastSlot, buffer, start)) {
      return this.slots[this.lastSlot];
    }
    for (let slot = hashName(buffer, start, end) & this.mask; ; slot = (slot + 1) & this.mask) {
      const command = this.slots[slot];
      if (command === undefined) return undefined;
      if (this.names[slot].length === end - start && this.isNamed(slot, buffer, start)) {
        this.lastSlot = slot;
        return command;
      }
    }
  }

  /** True if the bytes at `start`, as many as the slot's name has, are that name. */
  private isNamed(slot: number, buffer: Buffer, start: number): boolean {
    const name = this.names[slot];
    for (let i = 0; i < name.length; i++) if (lowerCase(buffer[start + i]) !== name[i]) return false;
    return true;
  }

  /** As `find`, also by the name that a command had before `rename`: as files and other servers know it. */
  findOriginal(name: Bytes): Command | undefined {
    return (
      this.find(name) ?? (this.renamed.size === 0 ? undefined : this.renamed.get(name.latin1().toLowerCase()))
    );
  }

  /**
   * Gives a command another name, or none at all (''), as `rename-command` asks. Returns why it cannot, if it cannot.
   */
  rename(from: string, to: string): string | undefined {
    const command = this.byName.get(from.toLowerCase());
    if (command === undefined) return 'No such command in rename-command';
    this.byName.delete(from.toLowerCase());
    this.renamed.set(command.spec.name, command);
    const target = to.toLowerCase();
    if (target !== '' && this.byName.has(target)) return 'Target command name already exists';
    if (target !== '') this.byName.set(target, command);
    this.index();
    return undefined;
  }

  private index(): void {
    let size = 64;
    while (size < this.byName.size * 4) size *= 2;
    this.mask = size - 1;
    this.slots = new Array<Command | undefined>(size).fill(undefined);
    this.names = new Array<Buffer>(size).fill(Buffer.alloc(0));
    for (const [name, command] of this.byName) {
      const bytes = Buffer.from(name, 'latin1');
      let slot = hashName(bytes, 0, bytes.length) & this.mask;
      while (this.slots[slot] !== undefined) slot = (slot + 1) & this.mask;
      this.slots[slot] = command;
      this.names[slot] = bytes;
    }
  }
}

/** FNV-1a over the bytes with the case bit set: names are few and not chosen by clients. */
function hashName(buffer: Buffer, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (buffer[i] | 0x20), 0x01000193);
  return hash ^ (hash >>> 15);
}
